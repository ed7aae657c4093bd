/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refer-To of a member, and names of conferences. What is read lies within what was given; written as RFC 4579 has it, it is read as the
 * same again. A name is written as it was read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/focus_parse.h"
#include "sig/sip/id.h"

enum { INPUT_MAX = 1024 };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_again(const struct focus_wish *wish)
{
	static char text[2 * INPUT_MAX];
	char id[ID_TEXT_LEN + 1] = "";
	struct focus_wish again;
	int n;

	id_call_put(id, wish->member);
	n = snprintf(text, sizeof(text), "<sip:" BYTES_FMT "@x;method=%s%s%s>",
		     BYTES_ARG(wish->uri.user), wish->deed == FOCUS_DROP ? "BYE" : "INVITE",
		     wish->member ? ";member=" : "", wish->member ? id : "");
	check(!focus_parse(&again, bytes_mem(text, (size_t)n)), "not read again");
	check(again.deed == wish->deed && again.member == wish->member &&
		      bytes_eq(again.uri.user, wish->uri.user),
	      "another wish");
}

static void check_name(struct bytes user)
{
	uint8_t space[CONF_NAME_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint64_t id;

	if (!conf_name_get(user, &id))
		return;
	conf_name_write(&w, id);
	check(bytes_eq(writer_done(&w), user), "another name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size < INPUT_MAX ? size : INPUT_MAX);
	struct focus_wish wish;

	if (memchr(data, 0, size)) /* no header has one */
		return 0;
	check_name(in);
	if (focus_parse(&wish, in))
		return 0;
	check(!wish.uri.user.n ||
		      (wish.uri.user.p >= in.p && wish.uri.user.p + wish.uri.user.n <= in.p + in.n),
	      "not of the header");
	check_name(wish.uri.user);
	if (wish.uri.user.n && bytes_is(wish.uri.scheme, "sip"))
		check_again(&wish);
	return 0;
}
