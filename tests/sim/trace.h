/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a run, a line for each thing that happened. Every line goes into a hash, so two runs of a seed can be compared; the
 * text is kept only when somebody will read it (the seed is run once more for that).
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include "base/bytes.h"

struct sim;

struct trace {
	bool keep;
	uint64_t hash;
	char *text;
	size_t n, capacity;
};

void trace_close(struct trace *t);
/* Whole lines. */
void trace_text(struct trace *t, struct bytes lines);
void trace_line(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A SIP message in one line: who, whom, its first line and what tells it from others. */
void trace_message(struct sim *s, const char *from, const char *to, struct bytes message);

/* Between quotes, what cannot be printed as \xNN. */
void trace_octets(struct writer *w, struct bytes b);

/* Value of a header in a message (long names, one line each). */
struct bytes trace_header(struct bytes text, const char *name);

#endif
