// SPDX-License-Identifier: Apache-2.0

// main.main calls main.a, main.a calls main.b, and main.b computes, for a minute at most.
package main

import "time"

var sink uint64

//go:noinline
func keep(x uint64) {
	sink = x
}

// Go gives functions that call nothing no frame.
//
//go:noinline
func b(x uint64) uint64 {
	for i := 0; i < 10_000_000; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	keep(x)
	return x
}

//go:noinline
func a(x uint64) uint64 {
	return b(x) + 1
}

func main() {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		sink = a(sink)
	}
}
