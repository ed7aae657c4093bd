/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/retrieve.h"

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/feature/far.h"
#include "sig/feature/park.h"
#include "sig/feature/pick.h"
#include "sig/feature/replace.h"
#include "sig/feature/set.h"

#define SLOT_NAME_BEGINS "slot-"
enum {
	WARNING_MAX = 256,
	REMOTE_WAIT_MS =
		300, /* a node that is about to be given up does not delay who presses a key */
};

static const struct plan_set *retrieve_step(const struct call *c)
{
	return c->plan.count ? &c->plan.steps[c->plan.count - 1].set : NULL;
}

/* Who is to be spoken with rings somebody, and waits in no slot. */
static bool retrieve_is_rung(const struct call *c)
{
	const struct plan_set *set = retrieve_step(c);

	return set && set->feature == FEATURE_PICKUP;
}

bool retrieve_waits(const struct call *c)
{
	const struct plan_set *set = retrieve_step(c);

	return c->state == CALL_SETUP && set && set->state == SET_ASKED &&
	       (set->feature == FEATURE_PARK || set->feature == FEATURE_PICKUP);
}

static void retrieve_begin(struct call_host *h, struct call *c, uint64_t owner);

/* Of other nodes, if there are any. */
static bool retrieve_ask_remote(struct call_host *h, struct call *c)
{
	c->plan.serial = h->picks_remote
				 ? h->picks_remote(h->owner, c->tenant, text_bytes(&c->from),
						   text_bytes(&retrieve_step(c)->number), c->id)
				 : 0;
	c->plan.until_ns = h->now.ns + REMOTE_WAIT_MS * NS_PER_MS;
	return c->plan.serial != 0;
}

static void retrieve_rung(struct call_host *h, struct call *c)
{
	struct pick_news news = { .status = 404, .text = "nobody calls there" };

	if (h->picks)
		h->picks(h->owner, c->tenant, text_bytes(&c->from),
			 text_bytes(&retrieve_step(c)->number), &news);
	if (news.may && retrieve_ask_remote(h, c))
		return;
	if (news.call)
		retrieve_begin(h, c, news.call);
	else
		retrieve_fail(h, c, news.status, news.text);
}

void retrieve_ask(struct call_host *h, struct call *c)
{
	if (retrieve_is_rung(c)) {
		retrieve_rung(h, c);
		return;
	}
	c->plan.serial = park_look(h, c, text_bytes(&retrieve_step(c)->number));
	c->plan.until_ns = h->now.ns + SET_WAIT_MS * NS_PER_MS;
}

void retrieve_fail(struct call_host *h, struct call *c, uint16_t status, const char *text)
{
	uint8_t space[WARNING_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				 .by = ENDED_BY_NODE,
				 .status = status };

	session_write_warning(&w, h, text);
	e.extra = writer_lines(&w);
	LOG_INFO("call", c->id, "nobody is retrieved", LOG_STR("reason", text),
		 LOG_BYTES("from", text_bytes(&retrieve_step(c)->number)));
	plan_stop(c);
	call_end(h, c, &e);
}

/* ---- of another shard ---- */

void retrieve_name_put(char out[RETRIEVE_NAME_MAX], uint64_t call, struct bytes slot)
{
	struct writer w = writer_over(out, RETRIEVE_NAME_MAX - 1);
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	writer_str(&w, SLOT_NAME_BEGINS);
	writer_bytes(&w, slot);
	writer_str(&w, "-");
	writer_bytes(&w, bytes_mem(id, sizeof(id)));
	out[w.overflow ? 0 : w.n] = '\0';
}

bool retrieve_name_get(struct bytes user, uint64_t *call, struct bytes *slot)
{
	if (!bytes_starts(user, SLOT_NAME_BEGINS))
		return false;
	user = bytes_from(user, sizeof(SLOT_NAME_BEGINS) - 1);
	return bytes_cut(&user, '-', slot) && park_slot_is(*slot) && !id_call_get(user, call);
}

/* rung: the call rings, else its party waits in the slot. */
static int ring_remote(struct call_host *h, struct call *c, uint64_t owner, bool rung,
		       struct bytes slot, struct call_refusal *refusal)
{
	struct dialog_party party = { .local_display = text_bytes(&c->display),
				      .local_user = text_bytes(&c->from),
				      .remote_user = slot };
	char name[RETRIEVE_NAME_MAX];

	if (rung)
		pick_name_put(name, owner);
	else
		retrieve_name_put(name, owner, slot);
	if (!slot.n) /* To names somebody */
		party.remote_user = bytes_str(name);
	return remote_shard_ring_name(h, c, id_shard(owner), bytes_str(name), &party, refusal);
}

/* ---- */

/* 0 or -errno with *refusal. */
static int retrieve_from(struct call_host *h, struct call *c, uint64_t owner, bool rung,
			 struct bytes slot, struct call_refusal *refusal)
{
	const struct call_replaces what = { .call = owner, .leg = LEG_NONE };

	if (id_shard(owner) != h->settings->number)
		return ring_remote(h, c, owner, rung, slot, refusal);
	outbox_touch(&c->out);
	return replace_begin(h, c, &what, refusal);
}

static void retrieve_begin(struct call_host *h, struct call *c, uint64_t owner)
{
	struct call_refusal refusal = { .status = 500 };
	bool rung = retrieve_is_rung(c);
	struct text slot = { 0 };
	int err = text_set(&slot, text_bytes(&retrieve_step(c)->number));

	plan_stop(c);
	if (!err) {
		plan_clear(&c->plan);
		err = retrieve_from(h, c, owner, rung, text_bytes(&slot), &refusal);
	}
	text_clear(&slot);
	if (err)
		wait_refuse(h, c, err, &refusal);
}

/* What was said of a call here may be past. */
static enum park_told rung_told_now(const struct call_host *h, const struct park_news *news)
{
	const struct call *rung;

	if (news->told != PARK_OK || id_shard(news->owner) != h->settings->number)
		return news->told;
	rung = h->call_of ? h->call_of(h->owner, news->owner) : NULL;
	if (!rung || !call_rings(rung))
		return PARK_EMPTY;
	return pick_is_promised(h, rung) ? PARK_TAKEN : PARK_OK;
}

static void retrieve_rung_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	enum park_told told = rung_told_now(h, news);
	uint16_t shard = id_shard(news->owner);

	if (told == PARK_TAKEN)
		retrieve_fail(h, c, 486, "somebody else takes the call");
	else if (told != PARK_OK)
		retrieve_fail(h, c, 404, "nobody calls there");
	else if (shard != h->settings->number && !remote_shard_is_reachable(h->settings, shard))
		retrieve_fail(h, c, 480, "the call that rings is on another node");
	else
		retrieve_begin(h, c, news->owner);
}

static void retrieve_slot_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	struct bytes slot = text_bytes(&retrieve_step(c)->number);
	bool here = id_shard(news->owner) == h->settings->number;

	if (news->told == PARK_UNKNOWN || news->told == PARK_FULL)
		retrieve_fail(h, c, 503, "it is not known who waits there");
	else if (news->told != PARK_OK)
		retrieve_fail(h, c, 404, "nobody waits there");
	else if (here && !park_may_pick(h, c->tenant, news->owner, slot))
		retrieve_fail(h, c, 404, "nobody waits there any more");
	else if (!here && !remote_shard_is_reachable(h->settings, id_shard(news->owner)))
		retrieve_fail(h, c, 480, "who waits there is on another node");
	else
		retrieve_begin(h, c, news->owner);
}

void retrieve_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	if (retrieve_is_rung(c))
		retrieve_rung_told(h, c, news);
	else
		retrieve_slot_told(h, c, news);
}

void retrieve_overdue(struct call_host *h, struct call *c)
{
	struct park_news news;

	if (!retrieve_is_rung(c) || !h->picked_remote) {
		retrieve_fail(h, c, 503, "it is not known who waits there");
		return;
	}
	h->picked_remote(h->owner, c->plan.serial, &news);
	retrieve_rung_told(h, c, &news);
}
