// SPDX-License-Identifier: Apache-2.0

package main

/*
#include <stdint.h>

static volatile uint64_t c_sink;

static __attribute__((noinline, noclone, noipa)) void c_burn(long units)
{
	uint64_t x = 88172645463325252;

	for (long i = 0; i < units; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	c_sink = x;
}

static __attribute__((noinline, noclone, noipa)) void c_inner(long units)
{
	char room[100];

	__asm__ volatile("" : : "r"(room) : "memory");
	c_burn(units);
	__asm__ volatile("" : : "r"(room) : "memory");
}

extern void goCallback(long units);

static __attribute__((noinline, noclone, noipa)) void c_calls_back(long units)
{
	goCallback(units);
	__asm__ volatile("" : : : "memory");
}
*/
import "C"

//go:noinline
func pathC(units int64) {
	C.c_inner(C.long(units))
	sink++
}

//go:noinline
func pathShortC(units int64) {
	for i := int64(0); i < units; i++ {
		C.c_inner(100)
	}
}

//go:noinline
//export goCallback
func goCallback(units C.long) {
	burn(int64(units))
	sink++
}

//go:noinline
func pathCallback(units int64) {
	C.c_calls_back(C.long(units))
	sink++
}

//go:noinline
func pathGo(units int64) {
	burn(units)
	sink++
}

var paths = []path{
	{"c", 3, pathC, "~~,c_burn,c_inner,~*,main.pathC"},
	{"short_c", 3, pathShortC, "~~,c_burn,c_inner,~*,main.pathShortC|~~,main.pathShortC"},
	{"callback", 3, pathCallback, "~~,main.burn,main.goCallback,~*,c_calls_back,~*,main.pathCallback|~~,main.goCallback,~*,c_calls_back,~*,main.pathCallback|~~,c_calls_back,~*,main.pathCallback|~~,main.pathCallback"},
	{"go", 2, pathGo, "~~,main.burn,main.pathGo"},
}
