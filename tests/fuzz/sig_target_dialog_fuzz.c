/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target-Dialog. What is read lies within what was given and has all three parts; written as RFC 4538 has it, it is read as the same
 * again, and so it is by the reader of Replaces, which has the same parts under other names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/dialog_name.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_within(struct bytes in, struct bytes part)
{
	check(part.n && part.p >= in.p && part.p + part.n <= in.p + in.n, "not of the header");
}

static struct bytes write_as(char *text, size_t cap, const struct target_dialog *t,
			     const char *local, const char *remote)
{
	int n = snprintf(text, cap, BYTES_FMT ";%s=" BYTES_FMT ";%s=" BYTES_FMT,
			 BYTES_ARG(t->call_id), local, BYTES_ARG(t->local_tag), remote,
			 BYTES_ARG(t->remote_tag));

	return bytes_mem(text, (size_t)n);
}

static void check_again(const struct target_dialog *t)
{
	static char text[2 * REPLACES_MAX];
	struct target_dialog again;
	struct replaces r;

	check(!target_dialog_parse(&again,
				   write_as(text, sizeof(text), t, "local-tag", "remote-tag")),
	      "not read again");
	check(bytes_eq(t->call_id, again.call_id) && bytes_eq(t->local_tag, again.local_tag) &&
		      bytes_eq(t->remote_tag, again.remote_tag),
	      "another dialog");
	check(!replaces_parse(&r, write_as(text, sizeof(text), t, "to-tag", "from-tag")),
	      "no Replaces");
	check(bytes_eq(t->call_id, r.call_id) && bytes_eq(t->local_tag, r.to_tag) &&
		      bytes_eq(t->remote_tag, r.from_tag),
	      "another Replaces");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size < REPLACES_MAX ? size : REPLACES_MAX);
	struct target_dialog t;

	if (memchr(data, 0, size)) /* no header has one */
		return 0;
	if (target_dialog_parse(&t, in))
		return 0;
	check_within(in, t.call_id);
	check_within(in, t.local_tag);
	check_within(in, t.remote_tag);
	check_again(&t);
	return 0;
}
