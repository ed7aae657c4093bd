/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event and Accept. What is read of an Event lies within it, and is read the same again when it is written anew. A list of Accept that
 * takes a type does so with anything behind it, and its first part alone or what is behind it does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/event_parse.h"
#include "sig/sip/lex.h"

enum { EVENT_LINE_MAX = 1024 };

static const char TYPE[] = "application/dialog-info+xml";

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_event(struct bytes in)
{
	static char text[EVENT_LINE_MAX + 8];
	struct event_name e, again;
	int n;

	if (event_parse(&e, in))
		return;
	check(e.package.n && e.package.p >= in.p && e.package.p + e.package.n <= in.p + in.n,
	      "not of the header");
	check(lex_is_token(e.package) && (!e.id.n || lex_is_token(e.id)), "no token");
	check(e.id.n <= EVENT_ID_MAX, "too long");
	n = snprintf(text, sizeof(text), BYTES_FMT "%s" BYTES_FMT, BYTES_ARG(e.package),
		     e.id.n ? " ; ID=" : "", BYTES_ARG(e.id));
	check(!event_parse(&again, bytes_mem(text, (size_t)n)), "not read again");
	check(bytes_eq(e.package, again.package) && bytes_eq(e.id, again.id), "another event");
}

static void check_accept(struct bytes in)
{
	static char text[EVENT_LINE_MAX + 64];
	struct bytes rest = in, first;
	bool takes = accept_takes(in, TYPE), parts = false;
	int n;

	while (lex_element(&rest, &first))
		parts |= accept_takes(first, TYPE);
	check(parts == takes, "a list is not what its parts are");
	n = snprintf(text, sizeof(text), "%s, " BYTES_FMT, TYPE, BYTES_ARG(in));
	check(accept_takes(bytes_mem(text, (size_t)n), TYPE), "its own name is not taken");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size < EVENT_LINE_MAX ? size : EVENT_LINE_MAX);

	if (memchr(data, 0, size)) /* no header has one */
		return 0;
	check_event(in);
	check_accept(in);
	return 0;
}
