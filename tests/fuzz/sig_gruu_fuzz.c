/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRUUs. Each line of the input is one part: a URI, a user, an instance, a Call-ID. What is read of the URI is one that we have not made, so
 * it never is a temporary one. Both that are made of the other parts are read again as that phone's and nobody else's, also from what is
 * kept of them, and a temporary one with another octet in it is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/gruu.h"

enum { PART_MAX = 128, TEXT_MAX = 1024 };

static const struct seal_key g_key = { .id = 1, .octets = { 7 } };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static int read_text(struct gruu *out, struct sip_uri *uri, struct bytes text, const char *tenant)
{
	check(sip_uri_parse(uri, text) == 0, "what was made is no URI");
	return gruu_read(out, uri, bytes_str(tenant), &g_key);
}

static void check_kept(const struct sip_uri *uri, const struct gruu *g, const struct gruu_phone *p)
{
	static uint8_t space[GRUU_NAMED_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_uri kept;
	struct gruu again;

	gruu_name(&w, uri);
	check(!w.overflow, "too long to be kept");
	kept = gruu_named(writer_done(&w));
	check(!gruu_read(&again, &kept, p->tenant, &g_key), "not kept");
	check(again.temporary == g->temporary && gruu_is_of(&again, p->instance) &&
		      gruu_is_of_run(&again, p->call_id) && bytes_eq(kept.user, uri->user),
	      "another one kept");
}

static void check_public(const struct gruu_phone *p)
{
	static uint8_t space[TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_uri uri;
	struct gruu g;
	char user[GRUU_USER_MAX];
	size_t n;

	gruu_write_public(&w, p, &(struct gruu_home){ .host = BYTES_LIT("[2001:db8::1]:5070") });
	check(!w.overflow, "no room");
	check(!read_text(&g, &uri, writer_done(&w), "default"), "public: not read");
	check(!g.temporary && gruu_is_of(&g, p->instance) && gruu_is_of_run(&g, p->call_id),
	      "public: another phone");
	check(!gruu_is_of(&g, BYTES_LIT("<x:of-nobody-else>")) ||
		      bytes_ieq(p->instance, BYTES_LIT("<x:of-nobody-else>")),
	      "public: a second phone");
	check(!sip_user_unescape(uri.user, user, sizeof(user), &n) &&
		      bytes_eq(bytes_mem(user, n), p->user),
	      "public: another user");
	check_kept(&uri, &g, p);
}

static void check_forged(uint8_t *text, size_t n, size_t at)
{
	struct sip_uri uri;
	struct gruu g;
	size_t user = strlen("sip:tgruu."), end = bytes_find(bytes_mem(text, n), '@');

	at = user + at % (end - user);
	text[at] = text[at] == 'A' ? 'B' : 'A';
	check(!sip_uri_parse(&uri, bytes_mem(text, n)) &&
		      gruu_read(&g, &uri, BYTES_LIT("default"), &g_key),
	      "forged");
}

static void check_temporary(const struct gruu_phone *p, size_t seed)
{
	static uint8_t space[TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct rand_source rand;
	struct sip_uri uri;
	struct gruu g;

	rand_open_seed(&rand, seed);
	gruu_write_temporary(&w, p, &(struct gruu_home){ .secure = true, .host = BYTES_LIT("x") },
			     &g_key, &rand);
	check(!w.overflow, "temporary: no room");
	check(read_text(&g, &uri, writer_done(&w), "other"), "temporary: of another tenant");
	check(!read_text(&g, &uri, writer_done(&w), "default"), "temporary: not read");
	check(g.temporary && bytes_is(p->user, g.user) && gruu_is_of(&g, p->instance) &&
		      gruu_is_of_run(&g, p->call_id),
	      "temporary: another phone");
	check_kept(&uri, &g, p);
	check_forged(space, w.n, seed);
}

static void check_strange(struct bytes text)
{
	struct sip_uri uri;
	struct gruu g;

	if (sip_uri_parse(&uri, text) || gruu_read(&g, &uri, BYTES_LIT("default"), &g_key))
		return;
	check(!g.temporary, "a temporary one that nobody made");
	check(g.instance.n && g.instance.p >= text.p &&
		      g.instance.p + g.instance.n <= text.p + text.n,
	      "not of the URI");
	(void)gruu_is_of(&g, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size), uri = { 0 };
	struct gruu_phone p = { .tenant = BYTES_LIT("default") };

	(void)bytes_cut(&rest, '\n', &uri);
	check_strange(uri);
	(void)bytes_cut(&rest, '\n', &p.user);
	(void)bytes_cut(&rest, '\n', &p.instance);
	(void)bytes_cut(&rest, '\n', &p.call_id);
	if (p.user.n == 0 || p.user.n >= GRUU_USER_MAX || p.instance.n > PART_MAX ||
	    !gruu_has(p.instance) || memchr(data, 0, size))
		return 0;
	check_public(&p);
	check_temporary(&p, size);
	return 0;
}
