/* SPDX-License-Identifier: Apache-2.0 */
/* Input: up to three texts, a line each. Oracle: slices within the text; a URI reads the same inside an address; equality is reflexive and
 * symmetric; an unescaped user fits and holds no NUL. */
#include <assert.h>
#include <string.h>

#include "sig/sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096 };

static void check_slice(struct bytes text, struct bytes b)
{
	assert(b.n == 0 || (b.p >= text.p && b.p + b.n <= text.p + text.n));
}

static void check_user(struct bytes user)
{
	char out[64];
	size_t n;

	if (sip_user_unescape(user, out, sizeof(out), &n) == 0)
		assert(n < sizeof(out) && strlen(out) == n && n <= user.n);
}

/* Its text is what the user is without parameters, less separators; and what it is, it stays. */
static void check_subscriber(const struct sip_uri *u)
{
	struct subscriber s = subscriber_of(u);
	char text[64], user[64];
	size_t n;

	assert(bytes_find(s.name, ';') == s.name.n && s.name.n <= u->user.n);
	if (subscriber_text(&s, text, sizeof(text)))
		return;
	assert(sip_user_unescape(s.name, user, sizeof(user), &n) == 0 && strlen(text) <= n);
	assert(s.phone || strcmp(text, user) == 0);
	assert(text[0] != '\0');
}

static void check_in_address(const struct sip_uri *u)
{
	static char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct sip_name_addr a;

	writer_str(&w, "\"x\" <");
	writer_bytes(&w, u->all);
	writer_str(&w, ">;tag=y");
	if (w.overflow)
		return;
	assert(sip_name_addr_parse(&a, writer_done(&w)) == 0);
	assert(bytes_eq(a.uri.all, u->all) && bytes_eq(a.uri.user, u->user));
	assert(bytes_eq(a.uri.host, u->host) && a.uri.port == u->port);
	assert(bytes_is(a.tag, "y") && bytes_is(a.display, "x"));
}

static bool check_uri(struct bytes text, struct sip_uri *u)
{
	if (sip_uri_parse(u, text))
		return false;
	check_slice(text, u->scheme);
	check_slice(text, u->user);
	check_slice(text, u->host);
	check_slice(text, u->params);
	check_slice(text, u->headers);
	assert(bytes_eq(u->all, text) && sip_uri_equal(u, u));
	check_user(u->user);
	check_subscriber(u);
	check_in_address(u);
	return true;
}

static void check_address(struct bytes text)
{
	struct sip_name_addr a;
	struct bytes value;

	if (sip_name_addr_parse(&a, text))
		return;
	check_slice(text, a.display);
	check_slice(text, a.params);
	check_slice(text, a.tag);
	check_slice(text, a.uri.all);
	if (sip_param(a.params, "tag", &value))
		assert(bytes_eq(value, a.tag));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size);
	struct bytes line[3] = { 0 };
	struct sip_uri a;
	struct sip_uri b;

	for (size_t i = 0; i < COUNT_OF(line); i++)
		(void)bytes_cut(&rest, '\n', &line[i]);
	check_address(line[2]);
	if (check_uri(line[0], &a) && check_uri(line[1], &b))
		assert(sip_uri_equal(&a, &b) == sip_uri_equal(&b, &a));
	return 0;
}
