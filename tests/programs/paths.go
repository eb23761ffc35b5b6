// SPDX-License-Identifier: Apache-2.0

// Goroutines whose paths are known: each path begins with a function called main.path..., and what
// it calls is checked by tests/e2e/go_paths.py. Runs until it is killed, or as many
// milliseconds as its argument says.
package main

import (
	"crypto/sha256"
	"os"
	"strconv"
	"time"
)

var sink uint64
var block [4096]byte

// Without a frame: it neither calls nor keeps anything.
//
//go:noinline
func leaf(n uint64) uint64 {
	for i := uint64(0); i < 50; i++ {
		n = n*6364136223846793005 + 1442695040888963407
	}
	return n
}

//go:noinline
func short(n uint64) uint64 { return n ^ n>>3 }

//go:noinline
func middle(n uint64) uint64 { return leaf(n) + short(n) }

//go:noinline
func pathLeaf() {
	for {
		sink += middle(sink)
	}
}

//go:noinline
func down(n int) uint64 {
	if n == 0 {
		return leaf(sink)
	}
	return down(n-1) + 1
}

//go:noinline
func pathDeep() {
	for {
		sink += down(100)
	}
}

//go:noinline
func call(f func(uint64) uint64) uint64 { return f(sink) }

//go:noinline
func pathClosure() {
	bonus := uint64(os.Getpid())
	for {
		sink += call(func(n uint64) uint64 { return leaf(n) + bonus })
	}
}

//go:noinline
func throw() { panic("known") }

//go:noinline
func catch() {
	defer func() {
		recover()
		sink += leaf(sink)
	}()
	throw()
}

//go:noinline
func pathPanic() {
	for {
		catch()
	}
}

//go:noinline
func fault(p *uint64) { sink += *p }

//go:noinline
func catchFault() {
	defer func() {
		recover()
		sink += leaf(sink)
	}()
	fault(nil)
}

//go:noinline
func pathFault() {
	for {
		catchFault()
	}
}

//go:noinline
func pathTime() {
	for {
		sink += uint64(time.Now().Nanosecond())
	}
}

var kept [512][]byte

//go:noinline
func allocate(n uint64) { kept[n%512] = make([]byte, 64+n%8192) }

//go:noinline
func pathAllocate() {
	for i := uint64(0); ; i++ {
		allocate(i * 7919)
	}
}

//go:noinline
func grow(n int) byte {
	var room [512]byte
	room[n%512] = byte(n)
	if n == 0 {
		return room[leaf(sink)%512]
	}
	return grow(n-1) + room[(n*31)%512]
}

//go:noinline
func pathGrow(done chan bool) {
	sink += uint64(grow(100))
	done <- true
}

func growAgainAndAgain() {
	done := make(chan bool)
	for {
		go pathGrow(done)
		<-done
	}
}

//go:noinline
func pathHash() {
	for {
		sum := sha256.Sum256(block[:])
		sink += uint64(sum[0])
	}
}

//go:noinline
func pathChannel(in, out chan uint64) {
	for {
		out <- short(<-in)
	}
}

func main() {
	there, back := make(chan uint64), make(chan uint64)
	go pathLeaf()
	go pathDeep()
	go pathClosure()
	go pathPanic()
	go pathFault()
	go pathTime()
	go pathAllocate()
	go pathHash()
	go growAgainAndAgain()
	go pathChannel(there, back)
	go pathChannel(back, there)
	there <- 1
	startC()
	if len(os.Args) < 2 {
		select {}
	}
	limit, _ := strconv.Atoi(os.Args[1])
	time.Sleep(time.Duration(limit) * time.Millisecond)
}
