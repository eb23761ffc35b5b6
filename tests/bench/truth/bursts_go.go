// SPDX-License-Identifier: Apache-2.0

package main

import "sort"

//go:noinline
func plainInner(units int64) {
	burn(units)
	sink++
}

//go:noinline
func pathPlain(units int64) {
	plainInner(units)
	sink++
}

// So short that they have no frame, and that many samples fall into their first and last instructions.
//
//go:noinline
func tinyLeaf(x uint64) uint64 {
	return x*6364136223846793005 + 1
}

//go:noinline
func tinyMiddle(x uint64) uint64 {
	y := tinyLeaf(x)
	return y + tinyLeaf(x+y)
}

//go:noinline
func pathCalls(units int64) {
	x := uint64(1)
	for i := int64(0); i < units; i++ {
		x = tinyMiddle(x)
	}
	sink = x
}

//go:noinline
func recurse(depth, units int64) {
	if depth > 1 {
		recurse(depth-1, units)
	} else {
		burn(units)
	}
	sink++
}

//go:noinline
func pathRecurse300(units int64) {
	recurse(300, units)
	sink++
}

//go:noinline
func largeInner(units int64) {
	var room [20000]byte
	room[units%20000] = 1
	burn(units)
	sink += uint64(room[(units+1)%20000])
}

//go:noinline
func pathLarge(units int64) {
	largeInner(units)
	sink++
}

type burner interface{ burnByTable(units int64) }
type frames struct{ a, b uint64 }

//go:noinline
func (f *frames) burnByTable(units int64) {
	burn(units)
	sink += f.a
}

//go:noinline
func pathInterface(units int64) {
	var b burner = &frames{1, 2}
	if sink == 1 {
		b = nil
	}
	b.burnByTable(units)
	sink++
}

//go:noinline
func pathSort(units int64) {
	items := make([]int, 64)
	for i := int64(0); i < units; i++ {
		for k := range items {
			items[k] = int((int64(k)*2654435761 + i) % 1000)
		}
		sort.Slice(items, func(a, b int) bool {
			burn(20)
			return items[a] < items[b]
		})
	}
}

//go:noinline
func deferred(units int64) {
	burn(units)
	sink++
}

//go:noinline
func pathDefer(units int64) {
	defer deferred(units)
	sink++
}

//go:noinline
func panicInner(units int64) {
	burn(units)
	panic(units)
}

//go:noinline
func recovered() {
	recover()
}

//go:noinline
func pathPanic(units int64) {
	defer recovered()
	panicInner(units)
}

var paths = []path{
	{"plain", 4, pathPlain, "~~,main.burn,main.plainInner,main.pathPlain"},
	{"calls", 4, pathCalls, "~~,main.tinyLeaf,main.tinyMiddle,main.pathCalls"},
	{"recurse300", 2, pathRecurse300, "~~,main.burn,main.recurse*300,main.pathRecurse300|~~,main.pathRecurse300"},
	{"large", 2, pathLarge, "~~,main.burn,main.largeInner,main.pathLarge|~~,main.pathLarge"},
	{"interface", 2, pathInterface, "~~,main.burn,main.(*frames).burnByTable,main.pathInterface|~~,main.pathInterface"},
	{"sort", 3, pathSort, "~~,main.burn,~,main.pathSort|~~,main.pathSort"},
	{"defer", 2, pathDefer, "~~,main.burn,main.deferred,main.pathDefer|~~,main.burn,main.deferred,~,main.pathDefer"},
	{"panic", 2, pathPanic, "~~,main.burn,main.panicInner,main.pathPanic|main.recovered,~,main.panicInner,main.pathPanic|~~,main.recovered,~,main.panicInner,main.pathPanic"},
}
