/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that ask the node who it is (RFC 3261 22), as trunks do that keep credentials. */
#include <string.h>

#include "sig/shard/shard_state.h"
#include "tests/sim/sim.h"
#include "tests/unit/sig/null_services.h"

#define NODE_USER "node"

enum { SOME_ASK = 250, NONCE_MIN_MS = 3000, NONCE_MAX_MS = 40000 };

void phones_ask_begin(struct sim *s)
{
	struct rand_source rand;

	rand_open_seed(&rand, s->seed ^ 0x401);
	if (rand_below(&rand, 1000) >= SOME_ASK)
		return;
	for (uint32_t i = 0; i < PHONES_MAX; i++)
		s->phones.asks[i] = rand_below(&rand, 1000) < 500;
	s->phones.nonce_ms = NONCE_MIN_MS + rand_below(&rand, NONCE_MAX_MS - NONCE_MIN_MS);
}

static const struct digest_secret *secret(void)
{
	static struct digest_secret secret;
	static bool known;

	if (!known)
		digest_secret_make(&secret, BYTES_LIT(NODE_USER), BYTES_LIT("trunk"),
				   BYTES_LIT("secret"));
	known = true;
	return &secret;
}

static bool node_account(void *owner, const struct dialog *d, struct digest_account *out)
{
	(void)owner;
	(void)d;
	*out = (struct digest_account){ BYTES_LIT(NODE_USER), BYTES_LIT("trunk"), *secret() };
	return true;
}

void phones_ask_of(struct shard *shard)
{
	services_account(&shard->host, node_account);
}

static struct digest_server server_of(const struct sim *s, const struct phone *p)
{
	struct digest_server out = { .realm = "trunk",
				     .nonce_lifetime_ms = s->phones.nonce_ms,
				     .offer = 1U << DIGEST_MD5 };

	out.key[0] = (uint8_t)(1 + p->index);
	return out;
}

static uint64_t utc_ms(const struct sim *s)
{
	return UINT64_C(1750000000000) + s->now_ns / NS_PER_MS;
}

/* An answer to a nonce is good once, with a higher count each time (RFC 7616 3.4). */
static bool is_used(struct phone *p, const struct digest_answer *a)
{
	struct phone_nonce *n = &p->nonces[a->nonce_id % PHONE_NONCES];

	if (n->id == a->nonce_id && n->count >= a->c.nc)
		return true;
	*n = (struct phone_nonce){ .id = a->nonce_id, .count = a->c.nc };
	return false;
}

/* What the request says of who sent it; one that asks for nothing new is right whenever it was said. */
static enum digest_verdict verdict_of(struct sim *s, struct phone *p, const struct sip_message *m)
{
	struct digest_server server = server_of(s, p);
	struct sip_message request = *m;
	struct digest_answer a;
	enum digest_verdict verdict;

	request.hop.remote = p->addr;
	verdict = digest_read(&a, &server, &request, false, utc_ms(s));
	if (verdict == DIGEST_OK)
		verdict = digest_prove(&a, &server, &request, secret());
	if (verdict == DIGEST_WRONG || verdict == DIGEST_MALFORMED)
		check_fail(s, "%s#%u: wrong credentials in " BYTES_FMT, p->user, p->index,
			   BYTES_ARG(m->method_name));
	return verdict == DIGEST_OK && is_used(p, &a) ? DIGEST_STALE : verdict;
}

static bool gate_allows(const struct sip_message *m)
{
	return m->method != SIP_OPTIONS && m->method != SIP_CANCEL && m->method != SIP_ACK;
}

bool phone_asks(struct sim *s, struct phone *p, struct phone_txn *t, const struct sip_message *m)
{
	struct digest_server server = server_of(s, p);
	char text[4096], lines[DIGEST_HEADER_MAX];
	struct writer w = writer_over(lines, sizeof(lines) - 1);
	enum digest_verdict verdict;

	if (!s->phones.asks[p->index] || !gate_allows(m))
		return false;
	verdict = verdict_of(s, p, m);
	if (verdict == DIGEST_OK)
		return false;
	s->totals.asked++;
	digest_challenge(&server, &w, false, verdict != DIGEST_MISSING, &p->addr, utc_ms(s),
			 ++p->asked);
	lines[w.n] = '\0';
	phone_txn_answer(s, p, t, 401,
			 phone_write_response(p, m, 401, "asks", lines, "", text, sizeof(text)));
	return true;
}
