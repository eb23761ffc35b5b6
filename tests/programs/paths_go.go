// SPDX-License-Identifier: Apache-2.0

package main

// The program without C.
func startC() {}
