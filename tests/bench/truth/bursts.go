// SPDX-License-Identifier: Apache-2.0

// go SECONDS [NAME,...] - what Go makes of stacks; the same as bursts.c and its paths, see bursts.h.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	processClock = 2
	threadClock  = 3
)

func clockNS(clock uintptr) uint64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Sec)*1000000000 + uint64(ts.Nsec)
}

type path struct {
	name   string
	weight uint64
	run    func(units int64)
	frames string
}

var sink uint64

//go:noinline
func burn(units int64) {
	x := uint64(88172645463325252)
	for i := int64(0); i < units; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	sink = x
}

//go:noinline
func runPath(p *path, units int64) uint64 {
	begin := clockNS(threadClock)
	p.run(units)
	return clockNS(threadClock) - begin
}

//go:noinline
func runBursts(paths []path, seconds float64) {
	seed := uint64(time.Now().UnixNano()) | 1
	state, total := seed, uint64(0)
	spent, rates := make([]uint64, len(paths)), make([]float64, len(paths))
	end := clockNS(processClock) + uint64(seconds*1e9)
	random := func() uint64 {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return state
	}
	for i := range paths {
		total += paths[i].weight
		for units := int64(1); rates[i] == 0; units *= 2 {
			ns := runPath(&paths[i], units)
			spent[i] += ns
			if ns >= 200000 {
				rates[i] = float64(units) / float64(ns)
			}
		}
	}
	for clockNS(processClock) < end {
		at, i := random()%total, 0
		for at >= paths[i].weight {
			at -= paths[i].weight
			i++
		}
		ns := 300000 + random()%2700000
		spent[i] += runPath(&paths[i], int64(float64(ns)*rates[i])+1)
	}
	process := clockNS(processClock)
	var told []string
	for i := range paths {
		told = append(told, fmt.Sprintf(`{"name": %q, "seconds": %.9f, "frames": %q}`, paths[i].name, float64(spent[i])/1e9, paths[i].frames))
	}
	// The runtime's own threads are between the paths.
	fmt.Printf("{\"seed\": %d, \"process_seconds\": %.9f, \"tail\": \"main.runPath,main.runBursts,main.main,runtime.main\",\n"+
		" \"paths\": [%s]}\n", seed, float64(process)/1e9, strings.Join(told, ",\n  "))
}

func main() {
	runtime.LockOSThread()
	seconds, list := 10.0, ""
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	if len(os.Args) > 2 {
		list = "," + os.Args[2] + ","
	}
	var chosen []path
	for _, p := range paths {
		if list == "" || strings.Contains(list, ","+p.name+",") {
			chosen = append(chosen, p)
		}
	}
	runBursts(chosen, seconds)
}
