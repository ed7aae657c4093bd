/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads GRUUs (RFC 5627), as gruu.h describes. A temporary GRUU is a sealed text of
 * user, instance and Call-ID of the REGISTER, bound to the tenant, so no table of them is stored.
 * Comparison follows RFC 3261 19.1.4 for parameters, and ignores case as for UUIDs (RFC 4122 3). */

#include "sig/sip/gruu.h"

#include <errno.h>
#include <string.h>

#include "base/base64url.h"
#include "base/table.h"
#include "sig/sip/lex.h"

#define PREFIX "tgruu."

enum {
	BLOCK = 16, /* users of about a length look alike */
	HASH_LEN = 8,
	PLAIN_MAX = GRUU_USER_MAX + 2 * HASH_LEN,
	SEALED_MAX = PLAIN_MAX + SEAL_OVERHEAD,
	CONTEXT_MAX = 512,
	USER_TEXT_MAX = 3 * GRUU_USER_MAX, /* each octet may be escaped */
};

/* Characters that need no escape in a user part nor in a parameter (RFC 3261 25.1); and ':' for the
 * latter. */
static bool is_plain(uint8_t c, bool param)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c && (strchr("-_.!~*'()", c) || (param && c == ':'));
}

static void write_escaped(struct writer *w, struct bytes in, bool param)
{
	for (size_t i = 0; i < in.n; i++) {
		if (is_plain(in.p[i], param))
			writer_u8(w, in.p[i]);
		else
			writer_fmt(w, "%%%02X", in.p[i]);
	}
}

bool gruu_has(struct bytes instance)
{
	return instance.n > 2 && instance.p[0] == '<' && instance.p[instance.n - 1] == '>';
}

static struct bytes urn_of(struct bytes instance)
{
	return bytes_sub(instance, 1, instance.n - 2);
}

static void write_scheme(struct writer *w, const struct gruu_home *home)
{
	writer_str(w, home->secure ? "sips:" : "sip:");
}

void gruu_write_public(struct writer *w, const struct gruu_phone *phone,
		       const struct gruu_home *home)
{
	write_scheme(w, home);
	write_escaped(w, phone->user, false);
	writer_str(w, "@");
	writer_bytes(w, home->host);
	writer_str(w, ";gr=");
	write_escaped(w, urn_of(phone->instance), true);
}

/* A holder of the key knows both inputs anyway: the hash need not be secret. */
static uint64_t gruu_hash(struct bytes name)
{
	static const struct hash_key none;

	return hash_sip(&none, name);
}

static void put_u64(uint8_t *to, uint64_t v)
{
	for (unsigned i = 0; i < HASH_LEN; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_u64(const uint8_t *from)
{
	uint64_t v = 0;

	for (unsigned i = HASH_LEN; i-- > 0;)
		v = v << 8 | from[i];
	return v;
}

/* A GRUU is valid in its tenant only. */
static struct bytes gruu_context(struct writer *w, struct bytes tenant)
{
	writer_str(w, "gruu ");
	writer_bytes(w, tenant);
	return writer_done(w);
}

static size_t plain_make(uint8_t plain[PLAIN_MAX], const struct gruu_phone *phone)
{
	size_t n = (phone->user.n + BLOCK - 1) / BLOCK * BLOCK;

	memset(plain, 0, PLAIN_MAX);
	memcpy(plain, phone->user.p, phone->user.n);
	put_u64(plain + n, gruu_hash(phone->instance));
	put_u64(plain + n + HASH_LEN, gruu_hash(phone->call_id));
	return n + (size_t)2 * HASH_LEN;
}

void gruu_write_temporary(struct writer *w, const struct gruu_phone *phone,
			  const struct gruu_home *home, const struct seal_key *key,
			  struct rand_source *rand)
{
	uint8_t plain[PLAIN_MAX], sealed[SEALED_MAX], space[CONTEXT_MAX];
	struct writer context = writer_over(space, sizeof(space));
	size_t n;

	if (phone->user.n == 0 || phone->user.n >= GRUU_USER_MAX ||
	    seal_make(key, rand, gruu_context(&context, phone->tenant),
		      bytes_mem(plain, plain_make(plain, phone)), sealed, sizeof(sealed), &n)) {
		w->overflow = true;
		return;
	}
	write_scheme(w, home);
	writer_str(w, PREFIX);
	base64url_write(w, bytes_mem(sealed, n));
	writer_str(w, "@");
	writer_bytes(w, home->host);
	writer_str(w, ";gr");
}

static int plain_read(struct gruu *out, const uint8_t *plain, size_t n)
{
	size_t names = (size_t)2 * HASH_LEN;

	if (n <= names || n - names > GRUU_USER_MAX)
		return -EBADMSG;
	n -= names;
	memcpy(out->user, plain, n);
	if (n == GRUU_USER_MAX && out->user[n - 1])
		return -EBADMSG;
	out->phone = get_u64(plain + n);
	out->run = get_u64(plain + n + HASH_LEN);
	out->temporary = true;
	return out->user[0] ? 0 : -EBADMSG;
}

static int read_temporary(struct gruu *out, struct bytes text, struct bytes tenant,
			  const struct seal_key *key)
{
	uint8_t plain[PLAIN_MAX], sealed[SEALED_MAX], space[CONTEXT_MAX];
	struct writer context = writer_over(space, sizeof(space));
	enum seal_refusal why;
	size_t n;

	if (base64url_decode(text, sealed, sizeof(sealed), &n) ||
	    seal_open(key, gruu_context(&context, tenant), bytes_mem(sealed, n), plain,
		      sizeof(plain), &n, &why))
		return -EBADMSG;
	return plain_read(out, plain, n);
}

int gruu_read(struct gruu *out, const struct sip_uri *uri, struct bytes tenant,
	      const struct seal_key *key)
{
	struct bytes value;

	*out = (struct gruu){ 0 };
	if (!sip_param(uri->params, "gr", &value))
		return -ENOENT;
	if (value.n == 0 && bytes_starts(uri->user, PREFIX)) /* a user may have such a name */
		return read_temporary(out, bytes_from(uri->user, strlen(PREFIX)), tenant, key);
	if (value.n == 0 || value.n > GRUU_VALUE_MAX || uri->user.n > USER_TEXT_MAX)
		return -EBADMSG;
	out->instance = value;
	return 0;
}

static uint8_t gruu_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* As parameters are compared (RFC 3261 19.1.4), and UUIDs (RFC 4122 3). */
static bool is_urn(struct bytes escaped, struct bytes urn)
{
	size_t i = 0;

	for (; escaped.n && i < urn.n; i++) {
		if (gruu_lower(lex_octet(&escaped)) != gruu_lower(urn.p[i]))
			return false;
	}
	return escaped.n == 0 && i == urn.n;
}

bool gruu_is_of(const struct gruu *g, struct bytes instance)
{
	if (!gruu_has(instance))
		return false;
	return g->temporary ? g->phone == gruu_hash(instance)
			    : is_urn(g->instance, urn_of(instance));
}

bool gruu_is_of_run(const struct gruu *g, struct bytes call_id)
{
	return !g->temporary || g->run == gruu_hash(call_id);
}

void gruu_name(struct writer *w, const struct sip_uri *uri)
{
	struct bytes value;

	if (!sip_param(uri->params, "gr", &value))
		return;
	writer_bytes(w, uri->user);
	writer_str(w, value.n ? ";gr=" : ";gr");
	writer_bytes(w, value);
}

struct sip_uri gruu_named(struct bytes name)
{
	struct sip_uri uri = { .all = name, .scheme = BYTES_LIT("tel"), .params = name };

	(void)bytes_cut(&uri.params, ';', &uri.user);
	return uri;
}
