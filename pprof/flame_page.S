/* SPDX-License-Identifier: Apache-2.0 */

/* The page with the flame graph, as it is in the source tree, for encode_html.c. */
	.section .rodata.flame_page, "a"
	.globl flame_page_start
	.globl flame_page_end
	.hidden flame_page_start
	.hidden flame_page_end
flame_page_start:
	.incbin "pprof/flame_page.html"
flame_page_end:
	.byte 0

	.section .note.GNU-stack, "", %progbits
