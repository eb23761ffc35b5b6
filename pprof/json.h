/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

/*
 * json_text() - write @text, valid UTF-8, as a JSON string with its quotes.
 *
 * What HTML or JavaScript might take for its own (< > & U+2028 U+2029) is escaped too, so the
 * result may stand in a <script> element.
 */
void json_text(FILE *stream, const char *text);
