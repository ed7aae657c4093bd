/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/lease.h"

#include <assert.h>

#include "base/clock.h"

#define PROBE_FIRST_NS (100 * NS_PER_MS)
#define PROBE_MAX_NS   (5 * NS_PER_S)

void lease_open(struct lease *l, uint64_t incarnation, uint64_t length_ns, bool peers)
{
	assert(length_ns > 0);
	*l = (struct lease){
		.epoch.incarnation = incarnation,
		.next_ns = UINT64_MAX,
		.length_ns = length_ns,
		.probe_ns = PROBE_FIRST_NS,
		.peers = peers,
	};
}

bool lease_epoch_above(struct lease_epoch a, struct lease_epoch b)
{
	return a.counter != b.counter ? a.counter > b.counter : a.incarnation > b.incarnation;
}

void lease_fence_write(struct writer *w, const struct lease *l)
{
	uint8_t incarnation[8];

	be64_put(incarnation, l->epoch.incarnation);
	writer_number(w, "", l->epoch.counter, ".");
	writer_hex(w, bytes_mem(incarnation, sizeof(incarnation)));
	writer_number(w, ".", l->link, "");
}

static void valid_set(struct lease *l, uint64_t until_ns)
{
	/* alone among its words: the reader needs no other memory that was written before */
	atomic_store_explicit(&l->valid_until_ns, until_ns, memory_order_relaxed);
}

static unsigned lease_question_ask(struct lease *l, enum lease_action question, uint64_t now_ns)
{
	l->question = question;
	l->sent_ns = now_ns;
	l->next_ns = UINT64_MAX;
	if (question != LEASE_SEND_RENEW)
		l->link++;
	return question;
}

/* The one question that settles a doubt. */
static unsigned probe(struct lease *l, uint64_t now_ns)
{
	if (!l->link_up || l->question)
		return 0;
	return lease_question_ask(l, l->stale ? LEASE_SEND_ASSERT : LEASE_SEND_RENEW, now_ns);
}

static void probe_later(struct lease *l, uint64_t now_ns)
{
	l->next_ns = l->link_up && !l->question ? now_ns + l->probe_ns : UINT64_MAX;
	if (l->probe_ns < PROBE_MAX_NS)
		l->probe_ns *= 2;
}

static unsigned doubt(struct lease *l, uint64_t now_ns)
{
	unsigned actions = l->state == LEASE_HELD ? LEASE_DEGRADED : 0;

	if (l->state != LEASE_HELD && l->state != LEASE_DOUBT)
		return 0;
	if (l->state == LEASE_HELD)
		l->probe_ns = PROBE_FIRST_NS;
	l->state = LEASE_DOUBT;
	probe_later(l, now_ns);
	return actions;
}

static unsigned fence(struct lease *l)
{
	unsigned actions = LEASE_FENCE | (l->state == LEASE_HELD ? LEASE_DEGRADED : 0U);

	if (l->state == LEASE_FENCED)
		return 0;
	l->state = LEASE_FENCED;
	l->next_ns = UINT64_MAX;
	valid_set(l, 0);
	return actions;
}

static unsigned unknown(struct lease *l, uint64_t now_ns)
{
	if (l->state == LEASE_ASKING)
		l->state = LEASE_IDLE;
	return doubt(l, now_ns);
}

/* Redis counts the length from when it got the question, so not before it was sent. */
static unsigned granted(struct lease *l, enum lease_action question, struct lease_epoch epoch,
			uint64_t now_ns)
{
	unsigned actions = l->state == LEASE_HELD ? 0 : LEASE_HEALTHY;

	if (actions && (l->stale || l->state == LEASE_ASKING))
		actions |= LEASE_ANEW;
	if (l->state == LEASE_FENCED || l->state == LEASE_IDLE)
		return 0;
	if (!l->link_up)
		return unknown(l, now_ns);
	assert(epoch.incarnation == l->epoch.incarnation);
	/* older than the news that Redis lost it */
	if (l->stale && question == LEASE_SEND_RENEW)
		return probe(l, now_ns);
	l->epoch = epoch;
	l->state = LEASE_HELD;
	l->stale = false;
	l->next_ns = l->sent_ns + l->length_ns / 3;
	valid_set(l, l->peers ? l->sent_ns + l->length_ns : UINT64_MAX);
	return actions;
}

/* Redis was late and is no longer: the lease was ours when it carried out that save. */
static unsigned lease_acked(struct lease *l)
{
	if (l->state != LEASE_DOUBT || l->stale || !l->link_up)
		return 0;
	l->state = LEASE_HELD; /* the probe that is due, or under way, renews it */
	return LEASE_HEALTHY;
}

static unsigned want(struct lease *l, uint64_t now_ns)
{
	if (l->state != LEASE_IDLE && l->state != LEASE_FENCED)
		return 0;
	l->state = LEASE_ASKING;
	return l->link_up && !l->question ? lease_question_ask(l, LEASE_SEND_ACQUIRE, now_ns) : 0;
}

static unsigned lease_link_up(struct lease *l, uint64_t now_ns)
{
	l->link_up = true;
	switch (l->state) {
	case LEASE_ASKING:
		return l->question ? 0 : lease_question_ask(l, LEASE_SEND_ACQUIRE, now_ns);
	case LEASE_DOUBT:
		return probe(l, now_ns);
	case LEASE_IDLE:
	case LEASE_HELD:
	case LEASE_FENCED:
		break;
	}
	return 0;
}

static unsigned link_down(struct lease *l, uint64_t now_ns)
{
	l->link_up = false;
	l->stale = true;
	return doubt(l, now_ns);
}

static unsigned missing(struct lease *l, uint64_t now_ns)
{
	unsigned actions = doubt(l, now_ns);

	l->stale = true;
	return l->state == LEASE_DOUBT ? actions | probe(l, now_ns) : actions;
}

static unsigned seen(struct lease *l, struct lease_epoch epoch, uint64_t now_ns)
{
	struct lease_epoch own = l->epoch;

	if (l->state != LEASE_HELD && l->state != LEASE_DOUBT)
		return 0;
	if (lease_epoch_above(epoch, own))
		return fence(l);
	/* an older link of ours, or somebody's lower claim to an emptied Redis */
	return missing(l, now_ns);
}

static unsigned lease_timer(struct lease *l, uint64_t now_ns)
{
	if (now_ns < l->next_ns)
		return 0;
	l->next_ns = UINT64_MAX;
	return l->state == LEASE_HELD || l->state == LEASE_DOUBT ? probe(l, now_ns) : 0;
}

unsigned lease_step(struct lease *l, const struct lease_event *event, uint64_t now_ns)
{
	enum lease_action question = l->question;

	if (event->answer)
		l->question = 0;
	if (event->epoch.counter > l->heard)
		l->heard = event->epoch.counter;
	switch (event->type) {
	case LEASE_WANT:
		return want(l, now_ns);
	case LEASE_LINK_UP:
		return lease_link_up(l, now_ns);
	case LEASE_LINK_DOWN:
		return link_down(l, now_ns);
	case LEASE_LATE:
		return l->state == LEASE_HELD ? doubt(l, now_ns) : 0;
	case LEASE_ACKED:
		return lease_acked(l);
	case LEASE_TIMER:
		return lease_timer(l, now_ns);
	case LEASE_GRANTED:
		return granted(l, question, event->epoch, now_ns);
	case LEASE_TAKEN:
	case LEASE_UNKNOWN:
		return unknown(l, now_ns);
	case LEASE_MISSING:
		return missing(l, now_ns);
	case LEASE_SEEN:
		return seen(l, event->epoch, now_ns);
	}
	return 0;
}
