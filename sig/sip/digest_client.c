/* SPDX-License-Identifier: Apache-2.0 */
/* Digest access authentication, client side (digest_client.h): reads the challenges of a 401 or
 * 407, chooses the one with the best algorithm and qop in our realm, and writes the Authorization
 * header. Used for requests to trunks and recorders. Text of a challenge is repeated only if it is
 * safe in quotes. Pure. */

#include "sig/sip/digest_client.h"

#include "sig/sip/digest.h"
#include "sig/sip/lex.h"

/* Limits that keep reading a challenge cheap, whatever its sender wrote. */
enum { LINES_MAX = 16, CHALLENGE_PARAMS_MAX = 64, NC_LEN = 8, CNONCE_LEN = 16 };

bool digest_client_is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < ' ' || text.p[i] == 0x7f || text.p[i] == '"' || text.p[i] == '\\')
			return false;
	}
	return text.n <= DIGEST_CLIENT_TEXT_MAX;
}

/* One challenge while it is read. */
struct asking {
	struct digest_client_challenge ask;
	struct bytes algorithm, qop, stale;
	bool digest; /* the scheme; else its parameters are not ours */
	bool wrong;
};

/* The best challenge so far. */
struct choice {
	struct digest_client_challenge *best;
	struct bytes realm;
	enum digest_asked is;
};

static struct bytes *ask_slot(struct asking *a, struct bytes name)
{
	const struct {
		const char *name;
		struct bytes *slot;
	} slots[] = {
		{ "realm", &a->ask.realm },     { "nonce", &a->ask.nonce },
		{ "opaque", &a->ask.opaque },   { "qop", &a->qop },
		{ "algorithm", &a->algorithm }, { "stale", &a->stale },
	};

	for (size_t i = 0; i < COUNT_OF(slots); i++) {
		if (bytes_iis(name, slots[i].name))
			return slots[i].slot;
	}
	return NULL;
}

/* name=value or name="value" */
static void read_param(struct asking *a, struct bytes element)
{
	struct bytes name = lex_token(&element);
	struct bytes *slot = ask_slot(a, name);
	struct bytes value;

	if (name.n == 0 || !lex_sep(&element, '=')) {
		a->wrong = true;
		return;
	}
	if (element.n && element.p[0] == '"') {
		if (lex_quoted(&element, &value) || element.n)
			a->wrong = true;
	} else {
		value = element;
	}
	if (!slot || a->wrong)
		return;
	if (slot->p) /* twice: which one would count? */
		a->wrong = true;
	*slot = value;
}

/* auth before auth-int, which a proxy that changes a body would break; none is of RFC 2069. */
static bool choose_qop(struct asking *a)
{
	struct bytes rest = a->qop;
	struct bytes one;
	bool integrity = false;

	a->ask.qop = DIGEST_QOP_NONE;
	if (bytes_trim(rest).n == 0)
		return !a->ask.session;
	while (lex_element(&rest, &one)) {
		if (bytes_iis(one, "auth")) {
			a->ask.qop = DIGEST_QOP_AUTH;
			return true;
		}
		integrity |= bytes_iis(one, "auth-int");
	}
	a->ask.qop = DIGEST_QOP_AUTH_INT;
	return integrity;
}

static bool is_better(const struct choice *c, const struct digest_client_challenge *ask)
{
	return c->is != DIGEST_ASKED_OK || ask->algorithm > c->best->algorithm;
}

/* What is known of one challenge is known of all before: the best case counts. */
static void end_one(struct choice *c, struct asking *a)
{
	if (!a->digest || a->wrong || a->ask.nonce.n == 0) {
		;
	} else if (!bytes_eq(a->ask.realm, c->realm)) {
		if (c->is == DIGEST_ASKED_NOTHING) {
			c->is = DIGEST_ASKED_REALM;
			c->best->realm = a->ask.realm;
		}
	} else if (!digest_algorithm_read(a->algorithm, &a->ask.algorithm, &a->ask.session) ||
		   !choose_qop(a)) {
		if (c->is != DIGEST_ASKED_OK)
			c->is = DIGEST_ASKED_UNKNOWN;
	} else if (is_better(c, &a->ask)) {
		a->ask.stale = bytes_iis(a->stale, "true");
		*c->best = a->ask;
		c->is = DIGEST_ASKED_OK;
	}
	*a = (struct asking){ 0 };
}

/* "Digest realm=...": a scheme is followed by a blank and a parameter, a parameter by '='. */
static bool challenge_scheme_read(struct bytes *element, struct bytes *scheme)
{
	struct bytes rest = *element;

	*scheme = lex_token(&rest);
	if (scheme->n == 0 || rest.n == 0 || !lex_is_blank(rest.p[0]))
		return false;
	lex_skip_blank(&rest);
	if (rest.n && rest.p[0] == '=')
		return false;
	*element = rest;
	return true;
}

/* One line has one challenge (RFC 3261 20.27), but some have several. */
static void ask_read_line(struct choice *c, struct bytes value)
{
	struct asking a = { 0 };
	struct bytes element;
	struct bytes scheme;
	unsigned n = 0;

	while (lex_element(&value, &element)) {
		if (n++ == CHALLENGE_PARAMS_MAX)
			a.wrong = true;
		if (n > CHALLENGE_PARAMS_MAX)
			break;
		if (challenge_scheme_read(&element, &scheme)) {
			end_one(c, &a);
			a.digest = bytes_iis(scheme, "Digest");
		}
		if (element.n)
			read_param(&a, element);
	}
	end_one(c, &a);
}

enum digest_asked digest_client_choose(struct digest_client_challenge *out,
				       const struct sip_message *m, bool proxy, struct bytes realm)
{
	const char *name = proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
	struct choice c = { .best = out, .realm = realm, .is = DIGEST_ASKED_NOTHING };
	struct bytes value;

	*out = (struct digest_client_challenge){ 0 };
	for (unsigned i = 0; i < LINES_MAX && message_header(m, name, i, &value); i++)
		ask_read_line(&c, value);
	return c.is;
}

static void write_quoted(struct writer *w, const char *before, struct bytes value)
{
	writer_str(w, before);
	writer_str(w, "\"");
	writer_bytes(w, value);
	writer_str(w, "\"");
}

/* Texts of a challenge are repeated as they came, so what hides a quote there hides it here. */
static bool is_quotable(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			return false;
		if (i >= text.n || text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	}
	return text.n <= DIGEST_CLIENT_TEXT_MAX;
}

static bool digest_is_writable(const struct digest_client_challenge *ask,
			       const struct digest_account *account,
			       const struct digest_answering *r)
{
	return digest_client_is_plain(account->user) && digest_client_is_plain(account->realm) &&
	       account->user.n && is_quotable(ask->nonce) && is_quotable(ask->opaque) && r->uri.n &&
	       bytes_find(r->uri, '"') == r->uri.n;
}

static void write_counts(struct writer *w, const struct digest_credentials *c)
{
	if (c->qop == DIGEST_QOP_NONE)
		return;
	writer_str(w, ", qop=");
	writer_bytes(w, c->qop_text);
	writer_str(w, ", nc=");
	writer_bytes(w, c->nc_text);
	write_quoted(w, ", cnonce=", c->cnonce);
}

static void write_line(struct writer *w, const struct digest_client_challenge *ask,
		       const struct digest_credentials *c, bool proxy)
{
	writer_str(w, proxy ? "Proxy-Authorization" : "Authorization");
	write_quoted(w, ": Digest username=", c->user);
	write_quoted(w, ", realm=", c->realm);
	write_quoted(w, ", nonce=", c->nonce);
	write_quoted(w, ", uri=", c->uri);
	write_quoted(w, ", response=", c->response);
	WRITER_TEXTS(w, ", algorithm=", digest_name(c->algorithm), c->session ? "-sess" : "");
	write_counts(w, c);
	if (ask->opaque.p)
		write_quoted(w, ", opaque=", ask->opaque);
	writer_str(w, "\r\n");
}

bool digest_client_write(struct writer *w, const struct digest_client_challenge *ask,
			 const struct digest_account *account, const struct digest_answering *r)
{
	char numbers[NC_LEN + CNONCE_LEN];
	struct writer n = writer_over(numbers, sizeof(numbers));
	struct digest_credentials c = {
		.user = account->user,
		.realm = account->realm,
		.nonce = ask->nonce,
		.uri = r->uri,
		.nc_text = bytes_mem(numbers, NC_LEN),
		.cnonce = bytes_mem(numbers + NC_LEN, CNONCE_LEN),
		.qop_text = bytes_str(ask->qop == DIGEST_QOP_AUTH_INT ? "auth-int" : "auth"),
		.qop = ask->qop,
		.algorithm = ask->algorithm,
		.session = ask->session,
	};
	struct digest_text response;
	uint8_t raw[4 + 8];

	be32_put(raw, r->nc);
	be64_put(raw + 4, r->cnonce);
	writer_hex(&n, bytes_mem(raw, sizeof(raw)));
	if (!digest_is_writable(ask, account, r) ||
	    !digest_response(&c, &account->secret, &(struct digest_body){ r->method, r->body },
			     &response))
		return false;
	c.response = digest_text_bytes(&response);
	write_line(w, ask, &c, r->proxy);
	return !w->overflow;
}
