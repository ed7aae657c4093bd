/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dialog/dialog_challenge.h"

#include <stdlib.h>
#include <string.h>

#include "sig/dialog/dialog.h"
#include "sig/host/host.h"

void dialog_challenges_free(struct dialog_challenges **of)
{
	if (!*of)
		return;
	for (size_t i = 0; i < COUNT_OF((*of)->of); i++) {
		text_clear(&(*of)->of[i].nonce);
		text_clear(&(*of)->of[i].opaque);
	}
	text_clear(&(*of)->invite);
	free(*of);
	*of = NULL;
}

static bool challenge_account(struct call_host *h, const struct dialog *d,
			      struct digest_account *out)
{
	return h->account_of && h->account_of(h->owner, d, out);
}

/* A request that said who we are under this nonce was not believed. */
static bool was_not_believed(struct bytes said, struct bytes nonce)
{
	uint8_t space[DIGEST_CLIENT_TEXT_MAX + 16];
	struct writer w = writer_over(space, sizeof(space));

	writer_str(&w, " nonce=\"");
	writer_bytes(&w, nonce);
	writer_str(&w, "\"");
	return w.overflow || (said.n && memmem(said.p, said.n, space, w.n));
}

/* Once; and once more where what we said was right, but old. */
static bool is_answerable(challenge_tries *tries, const struct digest_ask *ask, struct bytes said,
			  bool proxy)
{
	challenge_tries once = (challenge_tries)(1U << proxy);
	challenge_tries twice = (challenge_tries)(4U << proxy);

	if (was_not_believed(said, ask->nonce) || *tries & twice || (*tries & once && !ask->stale))
		return false;
	*tries |= *tries & once ? twice : once;
	return true;
}

static int challenge_keep(struct call_host *h, struct dialog_challenge *c,
			  const struct digest_ask *ask)
{
	bool same = bytes_eq(text_bytes(&c->nonce), ask->nonce);

	if (text_set(&c->opaque, ask->opaque) || text_set(&c->nonce, ask->nonce)) {
		text_clear(&c->nonce);
		return -1;
	}
	c->algorithm = ask->algorithm;
	c->qop = ask->qop;
	c->session = ask->session;
	if (!same) {
		c->count = 0;
		c->cnonce = rand_u64_from(h->rand);
	}
	return 0;
}

static enum sig_challenge outcome_of(enum digest_asked asked)
{
	switch (asked) {
	case DIGEST_ASKED_OK:
		return CHALLENGE_ANSWERED;
	case DIGEST_ASKED_NOTHING:
		break;
	case DIGEST_ASKED_REALM:
		return CHALLENGE_REALM;
	case DIGEST_ASKED_UNKNOWN:
		return CHALLENGE_UNKNOWN;
	}
	return CHALLENGE_MALFORMED;
}

static enum sig_challenge challenge_take(struct dialog *d, struct call_host *h,
					 const struct sip_message *m, struct bytes said,
					 challenge_tries *tries, struct bytes *realm)
{
	bool proxy = m->status == 407;
	struct digest_account account;
	enum sig_challenge outcome;
	struct digest_ask ask;

	if (!challenge_account(h, d, &account))
		return CHALLENGE_NOBODY;
	outcome = outcome_of(digest_client_choose(&ask, m, proxy, account.realm));
	*realm = ask.realm;
	if (outcome != CHALLENGE_ANSWERED)
		return outcome;
	if (ask.nonce.n > DIGEST_CLIENT_TEXT_MAX || ask.opaque.n > DIGEST_CLIENT_TEXT_MAX)
		return CHALLENGE_MALFORMED;
	if (!is_answerable(tries, &ask, said, proxy))
		return CHALLENGE_WRONG;
	if (!d->challenges)
		d->challenges = calloc(1, sizeof(*d->challenges));
	return !d->challenges || challenge_keep(h, &d->challenges->of[proxy], &ask)
		       ? CHALLENGE_MEMORY
		       : CHALLENGE_ANSWERED;
}

enum sig_challenge dialog_challenged(struct dialog *d, struct call_host *h,
				     const struct sip_message *m, struct bytes said,
				     challenge_tries *tries)
{
	struct bytes realm = { 0 };
	enum sig_challenge outcome = challenge_take(d, h, m, said, tries, &realm);

	sig_count_challenge(h->metrics, outcome, dialog_call(d), realm);
	return outcome;
}

/* Header lines go before the blank one. */
static void lines_insert(struct writer *w, size_t body, struct bytes lines)
{
	size_t behind = body + 2;
	size_t at = w->n - behind;

	if (!writer_room(w, lines.n))
		return;
	memmove(w->p + at + lines.n, w->p + at, behind);
	memcpy(w->p + at, lines.p, lines.n);
}

static struct bytes request_uri(struct bytes request)
{
	struct bytes line;

	(void)bytes_cut(&request, '\r', &line);
	line = bytes_from(line, bytes_find(line, ' ') + 1);
	return bytes_sub(line, 0, bytes_find(line, ' '));
}

/* Where it cannot be said the request goes without, and is refused once more. */
static void prove_one(struct dialog_challenge *c, bool proxy, const struct digest_account *account,
		      struct writer *w, enum sip_method method, size_t body)
{
	const struct digest_ask ask = { .realm = account->realm,
					.nonce = text_bytes(&c->nonce),
					.opaque = text_bytes(&c->opaque),
					.algorithm = c->algorithm,
					.qop = c->qop,
					.session = c->session };
	const struct digest_answering r = { .method = bytes_str(sip_method_name(method)),
					    .uri = request_uri(writer_done(w)),
					    .body = bytes_from(writer_done(w), w->n - body),
					    .nc = ++c->count,
					    .cnonce = c->cnonce,
					    .proxy = proxy };
	uint8_t space[DIGEST_CLIENT_LINE_MAX];
	struct writer line = writer_over(space, sizeof(space));

	if (digest_client_write(&line, &ask, account, &r))
		lines_insert(w, body, writer_done(&line));
}

void dialog_prove(struct dialog *d, struct call_host *h, struct writer *w, enum sip_method method,
		  size_t body)
{
	struct digest_account account;
	size_t before = w->n;
	size_t at;

	if (!d->challenges || w->overflow || !challenge_account(h, d, &account))
		return;
	for (size_t i = 0; i < COUNT_OF(d->challenges->of); i++) {
		if (d->challenges->of[i].nonce.n)
			prove_one(&d->challenges->of[i], i == 1, &account, w, method, body);
	}
	at = before - body - 2;
	if (method == SIP_INVITE && !w->overflow &&
	    text_set(&d->challenges->invite, bytes_mem(w->p + at, w->n - before)))
		text_clear(&d->challenges->invite); /* the ACK goes without */
}

struct bytes dialog_proof(const struct dialog *d)
{
	return d->challenges ? text_bytes(&d->challenges->invite) : (struct bytes){ 0 };
}

void dialog_challenges_resume(struct dialog *d)
{
	for (size_t i = 0; d->challenges && i < COUNT_OF(d->challenges->of); i++)
		d->challenges->of[i].count += RESUME_NONCE_GAP;
}
