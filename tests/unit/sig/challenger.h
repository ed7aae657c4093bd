/* SPDX-License-Identifier: Apache-2.0 */
/* B asks who we are, as a server does that keeps credentials: what it is told is proven by our own server's side of digest. */
#ifndef TESTS_UNIT_SIG_CHALLENGER_H
#define TESTS_UNIT_SIG_CHALLENGER_H

#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/null_services.h"

struct challenger {
	struct digest_server server;
	struct digest_secret secret;
	uint64_t nonces;
};

static inline bool challenger_account(void *owner, const struct dialog *d,
				      struct digest_account *out)
{
	(void)owner;
	if (!rig_has(text_bytes(&d->remote), "sip:1002@"))
		return false;
	*out = (struct digest_account){ BYTES_LIT("node"), BYTES_LIT("pbx"), { { { 0 } } } };
	digest_secret_make(&out->secret, out->user, out->realm, BYTES_LIT("secret"));
	return true;
}

/* The node has credentials for 1002 from now on. */
static inline void challenger_begin(struct challenger *c, struct line *l)
{
	*c = (struct challenger){
		.server = { .realm = "pbx", .nonce_lifetime_ms = 60000, .offer = 3 }
	};
	c->server.key[0] = 7;
	digest_secret_make(&c->secret, BYTES_LIT("node"), BYTES_LIT("pbx"), BYTES_LIT("secret"));
	services_account(&l->r->shard->host, challenger_account);
}

static inline const char *challenger_lines(struct challenger *c, const struct line *l, bool proxy,
					   bool stale)
{
	static char lines[2][2048];
	struct writer w = writer_over(lines[proxy], sizeof(lines[0]) - 1);

	digest_challenge(&c->server, &w, proxy, stale, &l->b.addr, l->r->now.utc_ms, ++c->nonces);
	lines[proxy][w.n] = '\0';
	return lines[proxy];
}

/* 401 or 407 with a fresh nonce. */
static inline void challenger_asks(struct challenger *c, struct line *l, struct bytes request,
				   bool proxy, bool stale)
{
	phone_answer_as(&l->b, request, "asked",
			proxy ? "407 Proxy Authentication Required" : "401 Unauthorized",
			challenger_lines(c, l, proxy, stale), "");
}

/* How often the nonce was answered, with this; 0: it says nothing that is right. */
static inline uint32_t challenger_is_told(const struct challenger *c, const struct line *l,
					  struct bytes request, bool proxy)
{
	struct message_error error;
	struct digest_answer a;
	struct sip_message m;
	uint32_t nc = 0;

	if (message_parse(&m, request, &error))
		fail_msg("%s", error.reason);
	m.hop.remote = l->b.addr;
	if (digest_read(&a, &c->server, &m, proxy, l->r->now.utc_ms) == DIGEST_OK &&
	    digest_prove(&a, &c->server, &m, &c->secret) == DIGEST_OK)
		nc = a.c.nc;
	message_close(&m);
	return nc;
}

static inline void challenger_restart(struct line *l, struct bytes record)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered)
			r->saves[i].kind = EFFECT_SEND;
	}
	r->hold_saves = false;
	rig_start_shard(r);
	services_account(&r->shard->host, challenger_account);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, record, r->now, &reason))
		fail_msg("restore: %s", reason);
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

#endif
