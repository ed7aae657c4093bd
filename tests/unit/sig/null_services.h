/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services of a host without a shard (sig/host/host.h): nobody is known, nothing is found,
 * nothing happens. A test that needs a service has a copy of these with its own in place of one.
 */
#ifndef TESTS_UNIT_SIG_NULL_SERVICES_H
#define TESTS_UNIT_SIG_NULL_SERVICES_H

#include "sig/host/extension.h"
#include "sig/host/location.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/identity/policy.h"
#include "sig/model/call.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/park.h"
#include "sig/pbx/retrieve.h"
#include "sig/room/room.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* ---- of a user of a tenant ---- */

static bool null_user_is(void *owner, uint16_t tenant, struct bytes user)
{
	return false;
}

static bool null_user_is_complete(void *owner, uint16_t tenant, struct bytes user)
{
	return true;
}

/* ---- calls ---- */

static const struct call *null_call_find(void *owner, uint64_t call)
{
	return NULL;
}

static const struct call *null_call_of_dialog(void *owner, uint16_t tenant, struct bytes call_id,
					      struct bytes local, struct bytes remote, uint8_t *leg)
{
	return NULL;
}

static void null_call_step(void *owner, uint64_t call, const struct call_event *ev)
{
}

static void null_wake(void *owner, uint64_t call)
{
}

static struct user_calls null_call_others(void *owner, const struct call *c, struct bytes user)
{
	return (struct user_calls){ 0 };
}

static const struct call_service null_call_service = {
	.find = null_call_find,
	.find_by_dialog = null_call_of_dialog,
	.step = null_call_step,
	.others = null_call_others,
	.has_waiting = null_user_is,
	.is_busy = null_user_is,
	.wake = null_wake,
};

/* ---- directory ---- */

static const struct shard_extension *null_extension(void *owner, uint16_t tenant, struct bytes user)
{
	return NULL;
}

static const struct shard_forward *null_forward(void *owner, uint16_t tenant, struct bytes user)
{
	return NULL;
}

static const struct host_track *null_music(void *owner, uint16_t tenant, struct bytes user)
{
	return NULL;
}

static const char *null_presence(void *owner, uint16_t tenant, struct bytes user)
{
	return "";
}

static enum pin_verdict null_pin(void *owner, uint16_t tenant, struct bytes box, struct bytes pin)
{
	return pin.n ? PIN_WRONG : PIN_NONE;
}

static const struct directory_service null_directory_service = {
	.extension = null_extension,
	.forward = null_forward,
	.music = null_music,
	.presence = null_presence,
	.check_pin = null_pin,
};

/* ---- location ---- */

static uint32_t null_resolve(void *owner, uint16_t tenant, const struct sip_uri *uri,
			     struct call_target *out, uint32_t cap)
{
	return 0;
}

static uint64_t null_ask_store(void *owner, uint16_t tenant, struct bytes user, uint64_t call)
{
	return 0;
}

static uint32_t null_other_flows(void *owner, const struct leg *leg, struct call_target *out,
				 uint32_t cap)
{
	return 0;
}

static struct bytes null_gruu_contact(void *owner, const struct dialog *d)
{
	return (struct bytes){ 0 };
}

static const struct location_service null_location_service = {
	.resolve = null_resolve,
	.is_complete = null_user_is_complete,
	.is_unreadable = null_user_is,
	.ask_store = null_ask_store,
	.other_flows = null_other_flows,
	.gruu_contact = null_gruu_contact,
};

/* ---- rooms ---- */

static struct room *null_room_find(void *owner, uint64_t room)
{
	return NULL;
}

static struct room *null_room_named(void *owner, uint16_t tenant, struct bytes user)
{
	return NULL;
}

static struct room *null_room_open(void *owner, const struct room_terms *terms)
{
	return NULL;
}

static struct room *null_room_create(void *owner, uint16_t tenant)
{
	return NULL;
}

static enum refusal null_room_of_call(void *owner, uint64_t call, uint8_t leg, struct room **out)
{
	return REFUSED_NO_CALL;
}

static uint16_t null_room_shard(void *owner, uint16_t tenant, struct bytes number)
{
	return 0;
}

static enum refusal null_room_add_party(void *owner, const struct focus_addition *ask)
{
	return REFUSED_NO_CALL;
}

static void null_room_changed(void *owner, struct room *room, bool record)
{
}

static const struct room_service null_room_service = {
	.find = null_room_find,
	.find_named = null_room_named,
	.open = null_room_open,
	.create = null_room_create,
	.of_call = null_room_of_call,
	.shard_of = null_room_shard,
	.add_party = null_room_add_party,
	.changed = null_room_changed,
};

/* ---- slots, and calls that ring ---- */

static bool null_dialled_slot(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			      struct park_place *out)
{
	*out = (struct park_place){ 0 };
	return false;
}

static bool null_named_slot(void *owner, uint16_t tenant, struct bytes user, struct bytes slot,
			    struct bytes group, struct park_place *out)
{
	*out = (struct park_place){ 0 };
	return false;
}

static enum slot_use null_slot_use(void *owner, uint16_t tenant, struct bytes user,
				   struct bytes slot)
{
	return SLOT_NONE;
}

static const struct parking_service null_parking_service = {
	.dialled_slot = null_dialled_slot,
	.named_slot = null_named_slot,
	.use = null_slot_use,
};

static bool null_may_pick(void *owner, uint16_t tenant, struct bytes user, struct bytes at)
{
	return false;
}

static void null_ringing(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
			 struct pick_reply *out)
{
	*out = (struct pick_reply){ .status = 404, .text = "nobody calls there" };
}

static uint64_t null_ask_remote(void *owner, uint16_t tenant, struct bytes user, struct bytes at,
				uint64_t call)
{
	return 0;
}

static void null_end_remote(void *owner, uint64_t serial, struct park_reply *out)
{
	*out = (struct park_reply){ .serial = serial, .told = PARK_EMPTY };
}

static const struct pickup_service null_pickup_service = {
	.may = null_may_pick,
	.ringing = null_ringing,
	.ask_remote = null_ask_remote,
	.end_remote = null_end_remote,
};

/* ---- callers in queues: there are none ---- */

static int null_queue_begin(struct flow_turn_of *t)
{
	return OUTCOME_FAILED;
}

static int null_queue_look(struct call_host *h, struct call *c)
{
	return OUTCOME_FAILED;
}

static void null_queue_call(struct call_host *h, struct call *c)
{
}

static void null_queue_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
}

static void null_queue_over(struct call_host *h, struct call *c, const char *why)
{
}

static void null_queue_released(struct call_host *h, const struct call *c)
{
}

static const struct queueing_service null_queueing_service = {
	.begin = null_queue_begin,
	.look = null_queue_look,
	.overdue = null_queue_look,
	.wait_due = null_queue_call,
	.replied = null_queue_replied,
	.settle = null_queue_call,
	.over = null_queue_over,
	.released = null_queue_released,
};

/* ---- calls outside ---- */

static bool null_trunk_target(void *owner, uint16_t tenant, const struct plan_step *step,
			      struct bytes portability, struct call_target *out)
{
	return false;
}

static enum dial_kind null_classify(void *owner, uint16_t tenant, struct bytes user,
				    struct bytes number, char out[DIAL_NUMBER_MAX])
{
	return DIAL_UNKNOWN;
}

static const struct trunk_service null_trunk_service = {
	.target = null_trunk_target,
	.classify = null_classify,
};

static bool null_toll_limits(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			     struct toll_terms *out)
{
	return false;
}

static const struct toll_service null_toll_service = { .limits = null_toll_limits };

/* ---- identity ---- */

static struct identity_policy null_policy(void *owner, const struct leg *leg)
{
	return identity_of_phone(NULL);
}

static bool null_trusts(void *owner, const struct sip_hop *hop)
{
	return false;
}

static bool null_account(void *owner, const struct dialog *d, struct digest_account *out)
{
	return false;
}

static void null_share_guess(void *owner, const struct secret_guess *g, bool right)
{
}

static const struct identity_service null_identity_service = {
	.policy = null_policy,
	.trusts = null_trusts,
	.account = null_account,
	.share_guess = null_share_guess,
};

static const struct services null_services = {
#define X(name, type) .name = &null_##type,
	SERVICES(X)
#undef X
};

#pragma GCC diagnostic pop

/* The host answers challenges with this account from now on, all hosts with that of the last call.
 * NULL: it has none. */
static inline void services_account(struct call_host *h,
				    bool (*account)(void *owner, const struct dialog *d,
						    struct digest_account *out))
{
	static struct identity_service identity;
	static struct services services;

	identity = *h->services->identity;
	identity.account = account ? account : null_account;
	services = *h->services;
	services.identity = &identity;
	h->services = &services;
}

#endif
