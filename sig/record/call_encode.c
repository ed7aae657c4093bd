/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the record of a call (call_record.h) by the rows of call_codec.h, together with the open
 * transactions of its INVITEs, so a ringing call continues in another process. A record that
 * contains SRTP keys, or data from which a password could be guessed, is sealed. Called for each
 * save; texts go in as slices. */

#include <errno.h>
#include <stdlib.h>

#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/record/call_codec.h"

struct packing *packing_open(void)
{
	return calloc(1, sizeof(struct packing));
}

static bool call_pack_into(struct schema_writer *w, const struct schema *rows, const struct call *c,
			   uint8_t *space, size_t n)
{
	w->start = space;
	w->at = space + n;
	w->overflow = false;
	schema_write(w, rows, c);
	return !w->overflow;
}

enum { RECORD_ROOM_MAX = 16 << 20 };

int call_pack(const struct call_host *h, struct schema_writer *w, const struct schema *rows,
	      const struct call *c, struct text *out)
{
	int err = -ENOMEM;

	if (call_pack_into(w, rows, c, h->space, HOST_SPACE))
		return text_set(out, bytes_mem(w->at, (size_t)(h->space + HOST_SPACE - w->at)));
	for (size_t n = 4 * HOST_SPACE; err && n <= RECORD_ROOM_MAX; n *= 4) {
		uint8_t *space = malloc(n);

		if (space && call_pack_into(w, rows, c, space, n))
			err = text_set(out, bytes_mem(w->at, (size_t)(space + n - w->at)));
		free(space);
	}
	return err;
}

/* An index that is 0 looks as none, and has a field of its own. */
static void context_callee(struct call_context *beside, const struct call *c)
{
	uint8_t callee = c->bridge.callee;

	beside->callee = callee == LEG_NONE || callee == 1 ? 0 : callee;
	beside->callee_place = callee == 0;
	beside->alone = call_is_by_itself(c);
}

static void context_fill(const struct call_host *h, struct call_context *beside,
			 const struct call *c, const struct call_seed *seed)
{
	bool once = legs_context(beside, c, seed);

	beside->format = call_record_format(c);
	if (once && beside->format < CALL_RECORD_ONCE)
		beside->format = CALL_RECORD_ONCE;
	beside->incarnation = h->incarnation;
	beside->mark = steady_mark(&h->steady, h->now.ns);
	beside->meets = c->meet_ns != 0;
	(void)bytes_cstr(bytes_str(call_tenant(h, c)), beside->tenant, sizeof(beside->tenant));
	context_callee(beside, c);
}

/* By its 'y', which is rare: memmem() looks at each octet. */
static bool has_crypto(struct bytes in)
{
	const struct bytes wanted = BYTES_LIT("crypto:");
	const size_t y = 2;

	for (size_t i = y; (i += bytes_find(bytes_from(in, i), wanted.p[y])) < in.n; i++) {
		if (bytes_eq(bytes_sub(in, i - y, wanted.n), wanted))
			return true;
	}
	return false;
}

/* Our SRTP keys, or those in a party's SDP; and data from which a password could be guessed. */
static bool call_has_keys(const struct call *c, const struct schema_writer *w,
			  const struct text *record)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].secret)
			return true;
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->dialog.challenges)
			return true;
	}
	return w->secret || has_crypto(text_bytes(record));
}

int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out)
{
	const struct schema_place whole = { .path = CALL_UNKNOWN_WHOLE };
	const struct call_saver saver = { h, c };
	struct schema_writer w = { .now = h->now,
				   .unknown = &c->unknown,
				   .place = &whole,
				   .arg = &saver,
				   .beside = &h->packing->beside };
	int err;

	context_fill(h, &h->packing->beside, c, seed);
	err = call_pack(h, &w, call_rows, c, out);
	return !err && call_has_keys(c, &w, out) ? call_seal(h, c, out) : err;
}

/* Slices of the living transactions. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out)
{
	struct call_seed seed = { 0 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];
		const struct txn_slot *client =
			l && leg_is_open(l) ? txns_get(h->txns, l->uac->client) : NULL;
		const struct txn_slot *server = l && l->uas ? txns_get(h->txns, l->uas->server)
						: l && l->refusal
							? txns_get(h->txns, l->refusal->server)
							: NULL;

		if (client) {
			seed.sent[i] = client->txn.message;
			seed.sent_to[i] = client->txn.hop;
		}
		if (server) {
			seed.request[i] = server->request;
			seed.source[i] = server->source;
		}
	}
	return call_encode_with(h, c, &seed, out);
}

void call_seed_clear(struct call_seed *seed)
{
	for (size_t i = 0; i < LEGS_MAX; i++) {
		text_clear(&seed->request[i]);
		text_clear(&seed->sent[i]);
	}
}
