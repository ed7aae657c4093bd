/* SPDX-License-Identifier: Apache-2.0 */
/* The Record key of an extension's record page (sig/model/record_page.h): finds the call that the
 * extension's phone talks in, shows its recording state, and starts, pauses or ends a recording.
 * Called by the host over all shards of the node, since the phone's call may be on any. Of several
 * calls the one in a conference counts, else the newest. In a conference the key acts on the mix,
 * if that may be recorded, else on the party alone. */

#include "sig/feature/recording/control_page.h"

#include "base/log.h"
#include "sig/feature/room/shard_room.h"
#include "sig/model/call_order.h"
#include "sig/model/conference.h"
#include "sig/pbx/recording/recording.h"
#include "sig/shard/shard_parts.h"

/* What was found until now. */
struct paging {
	uint16_t tenant;
	struct bytes number;
	uint64_t only; /* that call; 0: any */
	struct shard *shard;
	const struct call *call; /* NULL: none yet */
	uint8_t leg;
	struct record_page page;
};

/* ---- which call ---- */

static bool page_may(const struct shard_shared_tables *c, uint16_t tenant, struct bytes number)
{
	const struct shard_extension *e = shard_extension_find(c->shards, tenant, number);

	return e && e->enabled && e->record_page && e->record == RECORD_ON_DEMAND &&
	       extension_may(shard_settings(c->shards)->tenants, e, ENTITLED_RECORD_KEY);
}

/* The leg of the bridge; LEG_NONE: another one, which rings or has left. */
static uint8_t page_leg(const struct call *c, const struct leg *l)
{
	if (call_caller(c) == l)
		return c->bridge.caller;
	return call_callee(c) == l ? c->bridge.callee : LEG_NONE;
}

/* A party that enters its PIN, waits in a slot or leaves does not talk. */
static bool page_speaks(const struct call *c, const struct leg *l)
{
	if (c->state != CALL_ESTABLISHED || l->state != LEG_CONFIRMED || l->held || l->holds)
		return false;
	if (c->park || c->parting_ns || (c->member && c->member->asks))
		return false;
	return !c->member || (conference_speaks(c) && !conference_is_held(c));
}

static enum record_page_place page_place(const struct call *c)
{
	if (!c->member)
		return RECORD_PAGE_CALL;
	return c->member->monitors ? RECORD_PAGE_MONITOR : RECORD_PAGE_CONFERENCE;
}

/* The conference with the mix that the recording digits control; NULL: the party alone. A recording
 * of the party goes on in a conference, and has the key until it ends. */
static const struct room *page_mix(const struct shard *s, const struct call *c, uint8_t leg)
{
	const struct room *r = c->member ? shard_room_find(s, c->member->room) : NULL;

	return r && shard_room_record_is_paged(r) && !recording_of_leg(c->recordings, leg) ? r
											   : NULL;
}

static enum record_page_state page_state(bool records, bool paused)
{
	if (!records)
		return RECORD_PAGE_IDLE;
	return paused ? RECORD_PAGE_PAUSED : RECORD_PAGE_RECORDS;
}

static void page_read_mix(const struct room *r, struct record_page *out)
{
	const struct room_recording *x = &r->parts.recording;

	out->state = page_state(x->number, x->paused);
	out->lasts = x->number && !x->ordered;
}

/* What an application lets the party say is not its to change. */
static void page_read_leg(const struct call *c, uint8_t leg, struct record_page *out)
{
	const struct recording *r = recording_of_leg(c->recordings, leg);

	out->state = page_state(r, r && r->paused);
	out->lasts = r && r->cause == RECORDING_BY_POLICY;
	if (r && r->cause == RECORDING_MESSAGE)
		*out = (struct record_page){ 0 };
}

static struct record_page page_read(const struct shard *s, const struct call *c, uint8_t leg)
{
	struct record_page page = {
		.call = c->id,
		.place = page_place(c),
		.utc_ms = c->member ? c->member->joined_utc_ms
				    : steady_add(c->answer_utc_ms, shard_host(s)->wall_ms),
	};
	const struct room *mix = page_mix(s, c, leg);

	if (mix)
		page_read_mix(mix, &page);
	else
		page_read_leg(c, leg, &page);
	return page;
}

static void paging_weigh(struct paging *p, struct shard *s, const struct leg *l)
{
	const struct call *c = shard_call_find(s, dialog_call(&l->dialog));
	uint8_t leg = c ? page_leg(c, l) : LEG_NONE;
	struct record_page page;

	if (leg == LEG_NONE || (p->only && c->id != p->only) || !page_speaks(c, l))
		return;
	page = page_read(s, c, leg);
	if (!record_page_is_before(&page, &p->page))
		return;
	p->page = page;
	p->shard = s;
	p->call = c;
	p->leg = leg;
}

static void paging_look(struct paging *p, const struct shard_shared_tables *c)
{
	for (struct shard *s = c->shards; s; s = shard_next(s)) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(shard_legs(s), p->tenant, p->number, l)) != NULL)
			paging_weigh(p, s, l);
	}
}

/* ---- actions of the key ---- */

static uint8_t page_order(enum record_page_act act)
{
	static const enum order_record orders[RECORD_PAGE_ACTS] = {
		[RECORD_PAGE_ON] = ORDER_RECORD_ON,
		[RECORD_PAGE_PAUSE] = ORDER_RECORD_PAUSE,
		[RECORD_PAGE_RESUME] = ORDER_RECORD_RESUME,
		[RECORD_PAGE_OFF] = ORDER_RECORD_OFF,
	};

	return (uint8_t)orders[act];
}

static enum refusal page_order_mix(const struct paging *p, uint64_t room, enum record_page_act act,
				   struct instant now)
{
	const struct shard_room_order o = { .act = SHARD_ROOM_RECORD,
					    .record = page_order(act),
					    .by_page = true };

	return shard_conference_order(p->shard, room, &o, now);
}

static enum refusal page_order_leg(const struct paging *p, enum record_page_act act,
				   struct instant now)
{
	struct call_order o = { .kind = ORDER_RECORD, .record = page_order(act), .by_page = true };

	o.leg = p->leg == p->call->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	return shard_call_order(p->shard, p->call->id, &o, now);
}

static void page_do(const struct paging *p, enum record_page_act act, struct instant now)
{
	static const char *const names[RECORD_PAGE_ACTS] = { "look", "on", "pause", "resume",
							     "off" };
	const struct room *mix = page_mix(p->shard, p->call, p->leg);
	uint64_t call = p->call->id;
	enum refusal r =
		mix ? page_order_mix(p, mix->object.id, act, now) : page_order_leg(p, act, now);

	LOG_INFO("call", call, r ? "a record page was refused" : "recorded as its record page says",
		 LOG_BYTES("extension", p->number), LOG_STR("act", names[act]),
		 LOG_STR("reason", refusals[r].words));
}

void shard_record_page(struct shard_shared_tables *c, const struct record_page_request *ask,
		       struct instant now, struct record_page *out)
{
	struct paging p = { .number = ask->number, .only = ask->act ? ask->call : 0 };

	*out = (struct record_page){ 0 };
	if (!shard_remote_tenant(c, ask->tenant, &p.tenant) || !page_may(c, p.tenant, p.number))
		return;
	paging_look(&p, c);
	if (ask->act && p.call)
		page_do(&p, ask->act, now);
	if (ask->act)
		p = (struct paging){ .tenant = p.tenant, .number = ask->number };
	if (ask->act)
		paging_look(&p, c);
	*out = p.page;
}

static bool page_on_question(struct shard_shared_tables *c, const struct remote_item *item,
			     struct remote_item *answer)
{
	shard_record_page(c, &item->page, c->remote_now, &answer->paged);
	return true;
}

static const struct shard_remote_hook page_remotes[] = {
	{ REMOTE_PAGE, .heard = page_on_question },
	{ 0 },
};

const struct shard_hooks recording_hooks = { .remotes = page_remotes };
