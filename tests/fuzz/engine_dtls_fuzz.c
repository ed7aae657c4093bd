/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handshake whose datagrams somebody meddles with. The input is a script: which role is ours, whether the other side is the party or
 * a stranger, and then what becomes of each datagram: passed on, changed, cut, doubled, swapped, or made up. Whatever happens, a
 * stranger never has keys, two that both have keys have the same, what leaves is made of whole records and fits a datagram, nobody
 * finishes with a flight of ours that waits, and nothing is left when all is closed. Randomness and time are OpenSSL's own, so a find may need several runs.
 */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/dtls/certificate.h"
#include "engine/dtls/dtls.h"

enum { OURS, THEIRS, STRANGERS, IDENTITIES, STEPS_MAX = 64, WIRE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t n;
};

struct datagram {
	uint8_t p[DTLS_DATAGRAM_MAX];
	uint16_t n;
};

struct fuzz {
	struct dtls end[2]; /* ours first */
	struct datagram wire[2][WIRE];
	uint32_t head[2], tail[2];
	uint64_t now_ns;
	bool is_stranger;
};

static struct dtls_context *g_context[IDENTITIES];
static struct media_fingerprint g_fingerprint[IDENTITIES];

static void identities_open(void)
{
	for (int i = 0; i < IDENTITIES && !g_context[IDENTITIES - 1]; i++) {
		char path[] = "/tmp/tandem-fuzz-XXXXXX";
		struct certificate c;
		int fd = mkstemp(path), err;

		assert(fd >= 0);
		(void)close(fd);
		(void)unlink(path);
		err = certificate_open(&c, path, clock_utc_ms());
		assert(!err);
		(void)unlink(path);
		g_fingerprint[i] = c.fingerprint;
		err = dtls_context_open(&g_context[i], &c);
		assert(!err);
		certificate_close(&c);
	}
}

static uint8_t take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

/* ---- the wire ---- */

static void wire_put(struct fuzz *f, int to, const struct datagram *d)
{
	if (f->tail[to] - f->head[to] < WIRE)
		f->wire[to][f->tail[to]++ % WIRE] = *d;
}

static void wire_fill(struct fuzz *f)
{
	for (int i = 0; i < 2; i++) {
		struct datagram d;

		while ((d.n = dtls_output(&f->end[i], d.p)) > 0) {
			assert(d.n <= DTLS_MTU);
			assert(dtls_record_is_bounded(bytes_mem(d.p, d.n), DTLS_DATAGRAM_MAX));
			wire_put(f, i ^ 1, &d);
		}
	}
}

static void deliver(struct fuzz *f, int to, const struct datagram *d)
{
	uint64_t mark;

	(void)dtls_record_is_hello(bytes_mem(d->p, d->n), &mark);
	(void)dtls_receive(&f->end[to], bytes_mem(d->p, d->n), f->now_ns);
	wire_fill(f);
}

/* ---- what may happen ---- */

static void change(struct script *s, struct datagram *d)
{
	uint16_t at = (uint16_t)(take(s) << 8 | take(s));

	if (d->n > 0)
		d->p[at % d->n] ^= take(s);
}

static void make_up(struct script *s, struct datagram *d)
{
	d->n = (uint16_t)(take(s) * 4);
	for (uint16_t i = 0; i < d->n; i++)
		d->p[i] = take(s);
}

/* Our keys are saved, or another process goes on with what was. */
static void let_go(struct fuzz *f, bool is_successor)
{
	struct dtls *d = &f->end[0];
	uint8_t last[MEDIA_FLIGHT_MAX];
	size_t last_n = d->last_n;
	struct media_key in = d->key_in, out = d->key_out;
	enum media_dtls_role role = (enum media_dtls_role)d->role;

	if (!d->held_until_ns)
		return;
	if (!is_successor) {
		dtls_release(d);
		wire_fill(f);
		return;
	}
	memcpy(last, d->last, last_n);
	dtls_close(d);
	dtls_resume(d, role, bytes_mem(last, last_n));
	d->key_in = in; /* as the call's record has them */
	d->key_out = out;
	d->certificate_good = 1;
	wire_fill(f);
}

static void step(struct fuzz *f, struct script *s)
{
	uint8_t what = take(s);
	int to = what & 1;
	struct datagram d = { .n = 0 };

	if (what & 16)
		let_go(f, what & 32);

	if (f->head[to] != f->tail[to])
		d = f->wire[to][f->head[to]++ % WIRE];
	switch (what >> 1 & 7) {
	case 0:
	case 1:
	case 2:
		break;
	case 3:
		change(s, &d);
		break;
	case 4:
		d.n = (uint16_t)(d.n * take(s) / 256);
		break;
	case 5:
		deliver(f, to, &d);
		break;
	case 6:
		wire_put(f, to, &d);
		return;
	case 7:
		make_up(s, &d);
		break;
	}
	deliver(f, to, &d);
}

/* ---- what must be so ---- */

static void check(const struct fuzz *f)
{
	const struct dtls *a = &f->end[0], *b = &f->end[1];

	for (int i = 0; i < 2; i++) {
		const struct dtls *d = &f->end[i];

		assert((d->outcome == DTLS_RUNNING) == (d->ssl != NULL));
		assert(!d->key_in.suite == !d->key_out.suite);
		assert(d->outcome == DTLS_DONE ? d->key_in.suite != MEDIA_SUITE_NONE
					       : d->key_in.suite == MEDIA_SUITE_NONE ||
							 (d->outcome == DTLS_RUNNING && i == 0 &&
							  d->role == DTLS_CLIENT));
		assert(!d->held_until_ns || d->key_in.suite != MEDIA_SUITE_NONE);
		assert((d->outcome == DTLS_BROKEN) == (d->failure != DTLS_FAILURE_NONE));
		assert(d->outcome != DTLS_DONE || d->certificate_good);
	}
	assert(!f->is_stranger || a->key_in.suite == MEDIA_SUITE_NONE);
	assert(!a->held_until_ns || b->outcome != DTLS_DONE);
	if (a->outcome != DTLS_DONE || b->outcome != DTLS_DONE)
		return;
	assert(memcmp(&a->key_in, &b->key_out, sizeof(a->key_in)) == 0);
	assert(memcmp(&a->key_out, &b->key_in, sizeof(a->key_in)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { .p = data, .n = size };
	struct fuzz *f = calloc(1, sizeof(*f));
	uint8_t flags = take(&s);
	enum media_dtls_role role = flags & 1 ? DTLS_CLIENT : DTLS_SERVER;
	int err;

	identities_open();
	assert(f);
	f->is_stranger = flags & 2;
	f->now_ns = clock_now_ns();
	err = dtls_open(&f->end[0], g_context[OURS], role, &g_fingerprint[THEIRS], f->now_ns);
	assert(!err);
	err = dtls_open(&f->end[1], g_context[f->is_stranger ? STRANGERS : THEIRS],
			role == DTLS_SERVER ? DTLS_CLIENT : DTLS_SERVER, &g_fingerprint[OURS],
			f->now_ns);
	assert(!err);
	f->end[0].holds = flags >> 2 & 1;
	wire_fill(f);
	for (int i = 0; i < STEPS_MAX && s.n > 0; i++) {
		step(f, &s);
		check(f);
	}
	dtls_close(&f->end[0]);
	dtls_close(&f->end[1]);
	free(f);
	return 0;
}
