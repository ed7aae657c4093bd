/* SPDX-License-Identifier: Apache-2.0 */
/* Retrieves a parked party, or picks up a ringing call, by dialling a code (retrieve.h). It finds
 * the call by the store's slot, or by the shards' list of ringing calls, and answers the dialling
 * phone, joins it by Replaces if the call is on this shard, or rings through to its shard. A call
 * without the wanted party gets a final response instead. */

#include "sig/pbx/retrieve.h"

#include <assert.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/transfer.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/replace.h"
#include "sig/pbx/set.h"
#include "sig/pbx/slot.h"

#define SLOT_NAME_BEGINS "slot-"
static_assert((int)RETRIEVE_NAME_MAX >= (int)PICK_NAME_MAX, "either is put there");

bool retrieve_waits(const struct call *c)
{
	return set_waits_for(c, FEATURE_PARK) || set_waits_for(c, FEATURE_PICKUP);
}

static const struct plan_set *retrieve_step(const struct call *c)
{
	return c->plan.count ? &c->plan.steps[c->plan.count - 1].set : NULL;
}

/* The wanted call rings, and is not in a slot. */
static bool retrieve_is_rung(const struct call *c)
{
	const struct plan_set *set = retrieve_step(c);

	return set && set->feature == FEATURE_PICKUP;
}

/* ---- who is there ---- */

uint64_t retrieve_find(struct call_host *h, const struct call *c, bool rung, struct bytes by,
		       struct bytes at, struct pick_reply *out)
{
	*out = (struct pick_reply){ .status = 404, .text = "nobody calls there" };
	if (!rung)
		return slot_look(h, c, at);
	h->services->pickups->ringing(h->owner, c->tenant, by, at, out);
	return out->may ? h->services->pickups->ask_remote(h->owner, c->tenant, by, at, c->id) : 0;
}

/* The report on a call here may be outdated. */
static enum park_result rung_result_now(const struct call_host *h,
					const struct park_reply *new_state)
{
	const struct call *rung;

	if (new_state->told != PARK_OK || id_shard(new_state->owner) != h->settings->number)
		return new_state->told;
	rung = h->services->calls->find(h->owner, new_state->owner);
	if (!rung || !call_is_ringing(rung))
		return PARK_EMPTY;
	return pick_is_promised(h, rung) ? PARK_TAKEN : PARK_OK;
}

static struct pick_reply found_nobody(uint16_t status, const char *text)
{
	return (struct pick_reply){ .status = status, .text = text };
}

static struct pick_reply found_rung(struct call_host *h, const struct park_reply *new_state)
{
	enum park_result told = rung_result_now(h, new_state);

	if (told == PARK_TAKEN)
		return found_nobody(486, "somebody else takes the call");
	if (told != PARK_OK)
		return found_nobody(404, "nobody calls there");
	return (struct pick_reply){ .call = new_state->owner };
}

static struct pick_reply found_parked(struct call_host *h, const struct call *c, struct bytes slot,
				      const struct park_reply *new_state)
{
	if (new_state->told == PARK_UNKNOWN || new_state->told == PARK_FULL)
		return found_nobody(503, "it is not known which party waits there");
	if (new_state->told != PARK_OK)
		return found_nobody(404, "no call is parked there");
	if (id_shard(new_state->owner) == h->settings->number &&
	    !park_may_pick(h, c->tenant, new_state->owner, slot))
		return found_nobody(404, "no call is parked there any more");
	return (struct pick_reply){ .call = new_state->owner };
}

struct pick_reply retrieve_found(struct call_host *h, const struct call *c, bool rung,
				 struct bytes at, const struct park_reply *new_state)
{
	struct pick_reply found =
		rung ? found_rung(h, new_state) : found_parked(h, c, at, new_state);
	uint16_t shard = id_shard(found.call);

	if (found.call && shard != h->settings->number &&
	    !remote_shard_is_reachable(h->settings, shard))
		return found_nobody(480, rung ? "the call that rings is on another node"
					      : "the parked party is on another node");
	return found;
}

struct pick_reply retrieve_late(struct call_host *h, const struct call *c, bool rung,
				struct bytes at, uint64_t serial)
{
	struct park_reply new_state = { .told = PARK_UNKNOWN };

	if (rung)
		h->services->pickups->end_remote(h->owner, serial, &new_state);
	return retrieve_found(h, c, rung, at, &new_state);
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

static bool retrieve_name_get(struct bytes user, uint64_t *call, struct bytes *slot)
{
	if (!bytes_starts(user, SLOT_NAME_BEGINS))
		return false;
	user = bytes_from(user, sizeof(SLOT_NAME_BEGINS) - 1);
	return bytes_cut(&user, '-', slot) && park_slot_is(*slot) && !id_call_get(user, call);
}

/* rung: the call rings, else its party waits in the slot. */
static enum refusal ring_remote(struct call_host *h, struct call *c, uint64_t owner, bool rung,
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
	if (!slot.n) /* To has a user */
		party.remote_user = bytes_str(name);
	return remote_shard_ring_name(h, c, id_shard(owner), bytes_str(name), &party, refusal);
}

/* ---- */

static enum refusal retrieve_from(struct call_host *h, struct call *c, uint64_t owner, bool rung,
				  struct bytes slot, struct call_refusal *refusal)
{
	const struct call_replaces what = { .call = owner, .leg = LEG_NONE };

	if (id_shard(owner) != h->settings->number)
		return ring_remote(h, c, owner, rung, slot, refusal);
	outbox_touch(&c->out);
	return replace_start(h, c, &what, refusal);
}

static void retrieve_open(struct call_host *h, struct call *c, uint64_t owner)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	bool rung = retrieve_is_rung(c);
	struct text slot = { 0 };
	enum refusal refused = text_set(&slot, text_bytes(&retrieve_step(c)->number))
				       ? REFUSED_MEMORY
				       : REFUSED_NOT;

	plan_stop(c);
	if (!refused) {
		plan_clear(&c->plan);
		refused = retrieve_from(h, c, owner, rung, text_bytes(&slot), &refusal);
	}
	text_clear(&slot);
	if (refused)
		wait_refuse(h, c, &refusal);
}

static void retrieve_fail(struct call_host *h, struct call *c, uint16_t status, const char *text)
{
	LOG_INFO("call", c->id, "nobody is retrieved", LOG_STR("reason", text),
		 LOG_BYTES("from", text_bytes(&retrieve_step(c)->number)));
	set_refuse(h, c, status, text);
}

static void retrieve_end(struct call_host *h, struct call *c, const struct pick_reply *found)
{
	if (found->call)
		retrieve_open(h, c, found->call);
	else
		retrieve_fail(h, c, found->status, found->text);
}

void retrieve_on_result(struct call_host *h, struct call *c, const struct park_reply *new_state)
{
	struct pick_reply found = retrieve_found(h, c, retrieve_is_rung(c),
						 text_bytes(&retrieve_step(c)->number), new_state);

	retrieve_end(h, c, &found);
}

static void retrieve_on_saved(struct call_host *h, struct call *c)
{
	struct pick_reply found;
	bool rung = retrieve_is_rung(c);

	if (!retrieve_waits(c))
		return;
	c->plan.serial = retrieve_find(h, c, rung, text_bytes(&c->from),
				       text_bytes(&retrieve_step(c)->number), &found);
	c->plan.until_ns = h->now.ns + (rung ? RETRIEVE_REMOTE_MS : SET_WAIT_MS) * NS_PER_MS;
	if (rung && !c->plan.serial)
		retrieve_end(h, c, &found);
}

static bool retrieve_overdue(struct call_host *h, struct call *c)
{
	struct pick_reply found;

	if (!retrieve_waits(c))
		return false;
	found = retrieve_late(h, c, retrieve_is_rung(c), text_bytes(&retrieve_step(c)->number),
			      c->plan.serial);
	retrieve_end(h, c, &found);
	return true;
}

/* A remote shard is asked for its waiting party. */
static void retrieve_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
				 uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->dialog.hop.transport == SIP_INTER_SHARD && l->state == LEG_EARLY &&
	    !(c->transfer && c->transfer->remote.shard) && c->tenant != TENANT_DEFAULT)
		WRITER_TEXTS(w, "Tandem-Tenant: ", call_tenant(h, c), "\r\n");
}

/* The remote shard has checked the right. */
static bool may_be_retrieved(struct call_host *h, const struct number_request *ask, uint64_t *call)
{
	const struct call *c;
	struct bytes slot;

	if (retrieve_name_get(ask->invite->uri.user, call, &slot))
		return park_may_pick(h, ask->tenant, *call, slot);
	c = h->services->calls->find(h->owner, *call);
	return c && c->tenant == ask->tenant && call_is_ringing(c) && !pick_is_promised(h, c);
}

/* A remote shard asks for a party parked in a call of this one, or for one that rings here. */
static enum number_verdict retrieve_claim(struct call_host *h, const struct number_request *ask,
					  struct number_claimed *out, struct call_refusal *why)
{
	struct bytes user = ask->invite->uri.user, slot;
	const struct call *c;
	uint64_t call;

	if (ask->invite->hop.transport != SIP_INTER_SHARD ||
	    (!retrieve_name_get(user, &call, &slot) && !pick_name_get(user, &call)))
		return NUMBER_FREE;
	if (!may_be_retrieved(h, ask, &call)) {
		*why = (struct call_refusal){ .status = 404,
					      .reason = REFUSED_REPLACES,
					      .text = "no call is parked there any more" };
		return NUMBER_REFUSED;
	}
	out->replaces = (struct call_replaces){ .call = call, .leg = LEG_NONE };
	c = h->services->calls->find(h->owner, call);
	if (bytes_cstr(call_leg_user(c, c->bridge.caller), out->to, ROUTE_USER_MAX))
		out->to[0] = '\0';
	return NUMBER_CLAIMED;
}

const struct number_claim retrieve_numbers[] = { { 0, retrieve_claim }, { 0 } };

const struct module retrieve_module = {
	.saved = retrieve_on_saved,
	.overdue = retrieve_overdue,
	.headers = retrieve_write_lines,
};
