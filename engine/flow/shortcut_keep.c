/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/shortcut_keep.h"

#include "engine/flow/kept.h"
#include "engine/port/xdp_forwards.h"
#include "engine/walk/tick.h"

enum {
	KEPT_TICKS =
		8, /* of a taken one what is kept is written so seldom: its packets are in the entry */
};

static struct kept_share share_of(const struct shortcut *s)
{
	if (!shortcut_is_taken(s))
		return (struct kept_share){ 0 };
	return (struct kept_share){ s->entry->run, s->packets, s->octets };
}

/* Of what the process before took: what was forwarded is known when both flows are open. */
static bool is_to_be_found_out(const struct worker *w, const struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	const struct flow *peer = flow_find(&w->flows, f->peer);

	if (s->state == SHORTCUT_LEFT)
		return true;
	return peer ? shortcut_of(w, peer)->state == SHORTCUT_LEFT : s->fed_run != 0;
}

/* What is known of it now. Where something is still to be found out what was kept before is worth more. */
static void shortcut_keep(const struct worker *w, const struct flow *f)
{
	const struct shortcut *s = shortcut_of(w, f);
	const struct flow *feeder = flow_find(&w->flows, f->sink.feeder);
	struct kept_share in_heard = share_of(s), in_sent = { 0 };

	if (!s->kept || is_to_be_found_out(w, f))
		return;
	if (feeder)
		in_sent = share_of(shortcut_of(w, feeder));
	kept_write(s->kept, f, s, &in_heard, &in_sent);
}

void shortcut_keep_both(const struct worker *w, const struct flow *f)
{
	const struct flow *peer = flow_find(&w->flows, shortcut_of(w, f)->to);

	shortcut_keep(w, f);
	if (peer)
		shortcut_keep(w, peer);
}

void shortcut_keep_tick(const struct worker *w, const struct flow *f, uint64_t now_ns)
{
	const struct shortcut *s = shortcut_of(w, f);

	if (!shortcut_is_taken(s) || (now_ns / TICK_NS + f->id.slot) % KEPT_TICKS == 0)
		shortcut_keep(w, f);
}

/* What the kernel forwards is in an entry. Whose party is heard by that may be sent to by the worker all the same. */
void shortcut_keep_stage(const struct worker *w, struct batch *b)
{
	if (LIKELY(!w->port->ops->remains))
		return;
	BATCH_EACH(p, b)
	{
		if (p->flow && shortcut_of(w, p->flow)->closely &&
		    !shortcut_is_taken(shortcut_of(w, p->flow)))
			shortcut_keep(w, p->flow);
		if (p->peer && shortcut_of(w, p->peer)->closely)
			shortcut_keep(w, p->peer);
	}
}
