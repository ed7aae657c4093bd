/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a request and the features use of a shard: its functions, and its parts by
 * functions. How a shard holds its parts shard_state.h alone knows. One thread; a part lives as
 * long as its shard. */
#ifndef SIG_SHARD_SHARD_PARTS_H
#define SIG_SHARD_SHARD_PARTS_H

#include <assert.h>

#include "base/addr.h"
#include "base/table.h"
#include "sig/dial/dial.h"
#include "sig/host/route_uri.h"
#include "sig/host/settings.h"
#include "sig/host/trunk.h"
#include "sig/identity/presence.h"
#include "sig/leg/respond.h"
#include "sig/location/route.h"
#include "sig/model/event.h"
#include "sig/shard/objects.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/subscription/list.h"

enum shard_timer {
	TIMER_TXN,
	TIMER_CALL,
	TIMER_ASSERT,
	TIMER_SECURITY,
	TIMER_SUBSCRIPTION,
	TIMER_NOTIFY,
	TIMER_LOST,
	TIMER_OBJECT,
	TIMER_PRESENCE,
};

enum { SHARD_EMERGENCY_CALLS = 16 }; /* more than limits.calls: for emergency numbers */

struct shard_presence {
	struct presence of;
	struct wheel_timer timer; /* the next word ends */
};

/* An extension, and its state in addition to the document. */
struct shard_extension_slot {
	struct shard_extension extension;
	struct auth_guesses *guesses;  /* NULL: no failures yet */
	struct shard_forward *forward; /* NULL: nothing is set */
	char *monitors;                /* the users it may watch with MONITOR_LISTED; NULL: none */
	char *pickup_groups;           /* names joined by ','; NULL: it is in none */
	char *park_groups;             /* so, too */
	char *members; /* extensions that see its mailbox, too: numbers joined by ','; NULL: none */
	char *blf_keys;                  /* sig/host/blf_keys.h; NULL: no BLF keys */
	struct shard_located *located;   /* NULL: its phones are nowhere */
	struct shard_presence *presence; /* NULL: not set */
};
static_assert(sizeof(struct shard_extension_slot) <= 352, "of each extension");

void shard_located_free(struct shard_located *located); /* NULL is fine */

/* ---- its parts, never NULL ---- */
struct shard *shard_next(const struct shard *s); /* of the node; NULL: the last one */
struct shard_settings *shard_settings(const struct shard *s);
struct shard_shared_tables *shard_shared_tables(const struct shard *s);
struct call_host *shard_host(const struct shard *s);
struct wheel *shard_wheel(const struct shard *s);
struct txns *shard_txns(const struct shard *s);
struct sig_metrics *shard_metrics(const struct shard *s);
struct id_source *shard_ids(const struct shard *s);
struct pool *shard_calls(const struct shard *s);
struct table *shard_calls_by_slot(
	const struct shard *s); /* parked, by tenant and slot: their ids */
struct pool *shard_extensions(const struct shard *s);
struct objects *shard_objects(const struct shard *s);
struct security *shard_security(const struct shard *s);
struct leg_users *shard_legs(const struct shard *s);
struct forward_list *shard_forwards(const struct shard *s);
struct subscriptions *shard_subscriptions(const struct shard *s);
struct locations *shard_locations(const struct shard *s);
struct locations_user *shard_locations_user(const struct shard *s);
const struct hash_key *shard_key(const struct shard *s);

bool shard_is_draining(const struct shard *s);
/* New calls are refused now. */
bool shard_is_overloaded(const struct shard *s);
/* The store is told again what it has acknowledged, too: it may have lost that. */
bool shard_asserts_all(const struct shard *s);
/* When it went on with what another process had; 0: not yet. */
uint64_t shard_resumed_ns(const struct shard *s);
/* A call has begun as an established one. */
void shard_established_add(struct shard *s);

/* What its calls may ask of it (sig/host/host.h); each is defined beside its functions. The others
 * are features'. */
extern const struct call_service shard_call_service;
extern const struct directory_service shard_directory_service;
extern const struct location_service shard_location_service;
extern const struct trunk_service shard_trunk_service;
extern const struct toll_service shard_toll_service;
extern const struct identity_service shard_identity_service;
extern const struct services shard_services;

/* ---- shard.c ---- */
void shard_set_now(struct shard *s, struct instant now);
struct shard_reply {
	uint16_t status;
	const char *reason; /* NULL: the standard phrase */
	struct bytes extra; /* whole lines */
};
/* Without a transaction (RFC 3261 8.2.7): requests without credentials cost no memory. A copy gets
 * the same response. */
void shard_reply_stateless(struct shard *s, const struct sip_message *m,
			   const struct shard_reply *r);
void shard_reply(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		 const struct shard_reply *r);
/* Counts the reason and answers: by slot, or without one. */
void shard_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
		  uint16_t status, enum refusal reason, struct bytes extra);
/* The To tag of such answers. */
struct dialog_tag shard_tag(const struct shard *s, const struct sip_message *m);

/* ---- shard_calls.c ---- */
struct call *shard_call_find(const struct shard *s, uint64_t id);
/* emergency: places beyond limits.calls, too. */
bool shard_call_fits(const struct shard *s, bool emergency);
/* Zeroed but for that, listed under its id. NULL: full. */
/* An id that no call has. */
uint64_t shard_call_new_id(struct shard *s);
/* A step of it is over. False: so is the call. */
bool shard_call_settle(struct shard *s, struct call *c);
struct call *shard_call_allocate(struct shard *s, uint64_t id, uint16_t tenant, bool emergency);
void shard_call_give(struct shard *s, struct call *c);
void shard_call_step(struct shard *s, struct call *c, const struct call_event *ev);
/* A step of its own from outside. False: there is no such call. */
bool shard_call_event(struct shard *s, uint64_t call, const struct call_event *ev,
		      struct instant now);
/* The quota charged for a party's request. Returns false if it is unknown here. */
bool shard_payer(const struct shard *s, uint16_t tenant, struct bytes user,
		 const struct sip_hop *hop, struct quota_name *out);
/* The call was asked for without an INVITE of theirs. Where it is refused it is noted. */
enum refusal shard_call_charge(struct shard *s, struct call *c, const struct quota_name *name,
			       struct call_refusal *why) NODISCARD;
/* Who is charged for a request: a trusted peer, an extension with its source, or the source alone.
 * Stored only with something admitted. */
struct quota_party shard_party(const struct shard *s, uint16_t tenant, struct bytes user,
			       const struct sip_hop *hop);
/* It begins no more calls a second, messages among them. False: *why. */
bool shard_tenant_spend_call(const struct shard *s, uint16_t tenant, struct call_refusal *why);
/* One more call of that tenant, by any party. Returns false and *why at the limit. */
bool shard_tenant_may_call(const struct shard *s, uint16_t tenant, struct call_refusal *why);
/* One more. always: also beyond the limit. False: *why. */
bool shard_quota_charge(const struct shard *s, const struct quota_party *party,
			enum quota_item item, bool always, struct call_refusal *why);
void shard_quota_release(const struct shard *s, const struct quota_party *party,
			 enum quota_item item);
/* Publishes a security event: the sender of the message has used up its quota. */
void shard_quota_note(struct shard *s, const struct sip_message *m, const struct call_refusal *why);
/* Without a transaction, with Retry-After and the reason in words. */
void shard_quota_refuse(struct shard *s, const struct sip_message *m, uint16_t status,
			const struct call_refusal *why);
/* identity_service.account */
bool shard_account_of(void *owner, const struct dialog *d, struct digest_account *out);
void shard_assert_some(struct shard *s);
/* What it knew of the store is of a lease that is over. */
void shard_store_forget(struct shard *s);
/* As struct shard_counts has it. */
uint64_t shard_unsaved(const struct shard *s);
/* A transaction's timer. */
void shard_txn_timer(struct shard *s, struct txn_slot *slot);

/* ---- shard_auth.c ---- */
/* from: the caller, authenticated or trusted. */
void refused_call_report(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 struct bytes from, const struct call_refusal *why);
/* Whether a hop matches a trust rule: by its network, transport, address, port and certificate.
 * Pure. */

/* The first rule that matches, or NULL. Never for a WebSocket: its address may be a local proxy's,
 * and its page from any site. */
const struct shard_trusted *trust_find(const struct shard_settings *settings,
				       const struct sip_hop *hop);
/* The trunk of a request by its hop: the one that matches with the longest prefix; by its listener
 * alone last. TRUNK_NONE. */
uint16_t trust_trunk(const struct shard_settings *settings, const struct sip_hop *hop);
/* Whether the hop may be of that trunk: by its sources, its listener or an address of its servers,
 * in either direction of calls; any hop if the trunk is known by a name only. */
bool trust_is_of_trunk(const struct shard_settings *settings, uint16_t trunk,
		       const struct sip_hop *hop);
/* A rule would fit, but the connection has shown no certificate. Of a hop that no rule fits. */
bool trust_misses_certificate(const struct shard_settings *settings, const struct sip_hop *hop);

/* ---- overload.c ---- */
/* True: the node has too much to do, and the message needs not be parsed any more. */
bool shard_overload(struct shard *s, const struct sip_hop *from, struct bytes datagram);
uint32_t shard_overload_retry_s(const struct shard *s);

/* ---- shard_dial.c ---- */
/* Dialled strings by the dial plan of the phone's extension (sig/dial/dial.h). */
/* The dialling party. */
struct shard_dialler {
	uint16_t tenant;
	struct bytes user; /* the extension with rules that come first; empty: none */
	bool phone;        /* of an extension */
	uint8_t classes;   /* 1 << enum dial_class: that it may call */
	uint8_t scheme;    /* enum dial_scheme */
};

/* A room, or a flow: no phone is rung. */
bool shard_number_is_of_node(const struct shard *s, uint16_t tenant, struct bytes number);
void shard_dial(const struct shard *s, const struct shard_dialler *who, struct bytes dialled,
		struct dial_result *out);
/* Whether it is an emergency number of the tenant: *number without its prefix. by: as
 * shard_dialler.user. */
bool shard_is_emergency(const struct shard *s, uint16_t tenant, struct bytes by,
			const struct sip_uri *uri, char number[DIAL_NUMBER_MAX]);
/* Perhaps an emergency number of a tenant: the request's tenant is not known yet. */
bool shard_may_be_emergency(const struct shard *s, const struct sip_uri *uri);
/* How a number without a target here is refused. Returns false. */
bool shard_dial_refuse(const struct shard *s, uint16_t tenant, const struct dial_result *dialled,
		       struct call_refusal *why);

#define SHARD_USER_UNREAD "Redis does not say where the phone is: try again, or at another node"
void shard_user_asks_drop(struct shard *s);
/* It is there, or a copy of it: no transaction takes that before the call begins. */
bool shard_invite_is_waiting(const struct shard *s, const struct sip_message *m);
/* A new INVITE from a known caller, to a user that another node may know more about. Returns true
 * if it waits. */
bool shard_invite_hold(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       const char *from, bool phone);
/* The same of a REFER by which a member brings the user into its conference. */
bool shard_refer_hold(struct shard *s, const struct call *c, const struct sip_message *m);
void shard_invites_drop(struct shard *s);
/* It goes on: phone: from has authenticated. */
void shard_invite_resume(struct shard *s, const struct sip_message *m, const char *from,
			 bool phone);

/* ---- the rest of the walk of a request ---- */
void shard_response(struct shard *s, const struct sip_message *m);
void shard_inside(struct shard *s, const struct sip_message *m);
void shard_inside_resume(struct shard *s, const struct sip_message *m);
void shard_cancel(struct shard *s, const struct sip_message *m);
void shard_ack(struct shard *s, const struct sip_message *m);
void shard_invite(struct shard *s, const struct sip_message *m);
void shard_refer(struct shard *s, const struct sip_message *m);
/* Phones of a user of ours that the request names, routed as an INVITE; user: the name. Slices live
 * until the next event. */
enum route_verdict shard_route(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			       char user[ROUTE_USER_MAX], struct call_target *out, uint32_t cap,
			       uint32_t *count);
/* RFC 3323 4.1.1.3 */
bool shard_is_from_nobody(const struct sip_message *m);
/* The trunk that sends from there, or TRUNK_NONE. */
uint16_t shard_trunk_of(const struct shard *s, const struct sip_hop *hop);
/* The caller that a trunk's request names; never an extension of the tenant. */
void shard_trunk_trust(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       char user[ROUTE_USER_MAX]);
/* For a request of a trunk: the user called. *fixed: the number's document names him. Returns false
 * without one, or if it is no trunk's. */
bool shard_trunk_calls(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		       char user[ROUTE_USER_MAX], bool *fixed);
/* One more call may come from it. user: the caller named. Returns false and *why otherwise. */
bool shard_trunk_may_call(const struct shard *s, uint16_t trunk, const struct sip_message *m,
			  struct bytes user, struct call_refusal *why);
/* trunk_service.target */
bool shard_trunk_route_target(void *owner, uint16_t tenant, const struct plan_step *step,
			      struct bytes portability, struct call_target *out);
/* identity_service.share_guess */
void shard_on_secret(void *owner, const struct secret_guess *g, bool right);
/* A route of the tenant has the number. */
bool shard_has_trunk_route(const struct shard *s, uint16_t tenant, struct bytes number);
/* The way to a number outside, as routes have it. seed: which of equal ones is first. */
enum refusal shard_way_out(struct shard *s, uint16_t tenant, struct bytes number, uint64_t seed,
			   struct call_target *out) NODISCARD;
/* What it may use, by that way. */
struct offer_terms shard_trunk_terms(const struct shard *s, uint16_t trunk,
				     const struct sip_hop *hop);
/* ---- shard_remote.c ---- */
/* A watcher subscribes: other nodes are asked. */
void shard_remote_start(struct shard *s, const struct subscription *sub);
/* Users of a tenant that is unknown here have no watchers. */
bool shard_remote_tenant(const struct shard_shared_tables *c, struct bytes name, uint16_t *tenant);
/* call_service.others and has_waiting */
struct user_calls shard_busy_of(void *owner, const struct call *c, struct bytes user);
bool shard_has_waiting_call(void *owner, uint16_t tenant, struct bytes user);
/* call_service.wake */
void shard_call_wake(void *owner, uint64_t call);
/* A call of the shard that waits for a user, as others see it. */
struct dialog_state shard_waiting_state(const struct shard *s, const struct call *c);
/* Appends this node's calls that wait for the user to those in out. Returns the new count. */
uint32_t shard_waiting_add(const struct shard_shared_tables *shared_tables, uint16_t tenant,
			   struct bytes user, struct dialog_state *out, uint32_t count);
/* A step of the call is over: notes the user that it waits for. */
void shard_waiting_note(struct shard *s, struct call *c);
void shard_waiting_gone(struct shard *s, const struct call *c);
/* His calls, or those that wait for him, have changed: waiting calls of this node look again, in
 * their turn. */
void shard_busy_changed(struct shard *s, uint16_t tenant, struct bytes user);
/* What is set of it is other. */
void shard_busy_set(struct shard *s, const struct shard_extension_slot *slot,
		    const struct shard_forward *before);

/* ---- shard_users.c ---- */
void shard_codes_of(const struct shard *s, uint16_t tenant, struct feature_codes *out);
/* The slot that is watched by that name. */
bool shard_watched_slot(const struct shard *s, uint16_t tenant, struct bytes user,
			struct bytes *slot);
/* What a BLF key shows by that name, which is no extension. False: nothing is watched by it. */
bool shard_lamp_of(const struct shard *s, uint16_t tenant, struct bytes name,
		   struct shard_lamp *out);
/* A step of the call is over: watchers of its parties are notified of changes. */
void shard_watch_call(struct shard *s, struct call *c);
/* No NOTIFY: its watchers are gone as well, or know. */
void shard_watch_gone(struct shard *s, const struct call *c);
/* locations_user.changed */
void shard_phones_changed(void *owner, uint16_t tenant, struct bytes user, struct instant now);
/* What the shards of this node have of a user: how many of DIALOG_STATES_MAX were filled. */
uint32_t shard_watch_own(const struct shard *s, uint16_t tenant, struct bytes user,
			 struct dialog_state *out);
/* ... and all other nodes, those calls that wait for him among it (dialog_state.waits_utc_ms). */
uint32_t shard_watch_all(const struct shard *s, uint16_t tenant, struct bytes user,
			 struct dialog_state *out);
/* ... to watchers here. */
void shard_watch_notify_here(struct shard *s, uint16_t tenant, struct bytes user);
void shard_watch_notify_of(struct shard *s, uint16_t tenant, struct bytes user,
			   enum watch_change what);
/* The roster of a conference of this shard has changed (roster.h), or it is over: watchers are
 * notified in their turn. */
void shard_conference_changed(struct shard *s, uint16_t tenant, struct bytes user);
/* The code that phones dial for the party in the slot of that call. Returns false without a party
 * or a code. */
bool shard_watch_slot_name(const struct shard *s, const struct call *c, char out[ROUTE_USER_MAX]);
/* The call goes on elsewhere: watchers of this shard see it no more. */
void shard_watch_left(struct shard *s, const struct call *c);
/* A phone of his is registered by this node. */
bool shard_has_phone(const struct shard *s, uint16_t tenant, struct bytes user);
/* ... or at another node that tells so. */
bool shard_has_phone_anywhere(const struct shard *s, uint16_t tenant, struct bytes user);

/* ---- shard_extensions.c ---- */
/* What the clock on the wall shows. */
static inline uint64_t shard_wall_ms(const struct shard *s)
{
	return steady_add(shard_host(s)->now.utc_ms, shard_host(s)->wall_ms);
}

uint16_t shard_tenant_of(const struct shard *s, const struct sip_message *m);

/* An emergency call: a right password is enough for it, whatever else the user may not do. */
bool shard_is_emergency_call(const struct shard *s, const struct sip_message *m, uint16_t tenant);
/* The user that sends a request outside of a dialog: the authenticated extension (*e), or one named
 * by a trusted neighbour (NULL). Returns false if it was answered. */
bool shard_identify(struct shard *s, const struct sip_message *m, uint16_t tenant,
		    char user[ROUTE_USER_MAX], const struct shard_extension **e);
/* The ringing leg by our tag alone: the party's tag is not stored before it answers, and a watching
 * phone need not know it. */
struct call *shard_early_find(const struct shard *s, uint16_t tenant, struct bytes call_id,
			      struct bytes local, uint8_t *leg);
bool shard_has_replaces(const struct sip_message *m);
/* The leg that it names and that the user may replace. Returns false and *why otherwise. */
bool shard_replaces(const struct shard *s, const struct sip_message *m, uint16_t tenant,
		    struct bytes user, struct call_replaces *out, struct call_refusal *why);
/* The leg that another call is to replace; no other call may. */
void shard_replaced_know(struct shard *s, const struct call *c);
/* The same of a call that has just begun: who was to have that place before it gives way. */
void shard_replaced_leave(struct shard *s, const struct call *c);
/* Its sender can be reached by requests (RFC 3261 8.1.1.8). */
bool shard_has_contact(const struct sip_message *m);
/* A transaction for a request that belongs to a call. NULL: it was answered. */
struct txn_slot *shard_txn_in_dialog(struct shard *s, const struct sip_message *m,
				     const struct quota_party *party);
/* Calls update what their parties hear. */
void shard_calls_hear(struct shard *s);
/* directory_service.check_pin, extension and forward */
enum pin_verdict shard_pin_is(void *owner, uint16_t tenant, struct bytes box, struct bytes pin);
const struct shard_extension *shard_extension_of(void *owner, uint16_t tenant, struct bytes user);
const struct shard_forward *shard_forward_for(void *owner, uint16_t tenant, struct bytes user);
/* Dialogs of other tenants are not found. */
struct call *shard_dialog_find(const struct shard *s, uint16_t tenant, struct bytes call_id,
			       struct bytes local, struct bytes remote, uint8_t *leg);
/* location_service.resolve, other_flows and gruu_contact */
uint32_t shard_targets_of(void *owner, uint16_t tenant, const struct sip_uri *uri,
			  struct call_target *out, uint32_t cap);
uint32_t shard_flows_of(void *owner, const struct leg *leg, struct call_target *out, uint32_t cap);
struct bytes shard_contact_of(void *owner, const struct dialog *d);
/* The response to a request for one phone of ours, which is not forwarded: 200, 404 or 480. */
uint16_t shard_gruu_status(const struct shard *s, const struct sip_message *m);
void shard_register(struct shard *s, const struct sip_message *m);
/* locations_user.again */
void shard_register_again(void *owner, pool_handle txn, struct instant now);
/* Whether a REGISTER's device may have one account more, over all nodes. */
void shard_register_claimed(struct shard *s, const struct kv_reply *outcome, struct instant now);
/* locations_user.found */
void shard_invite_found(void *owner, uint64_t token, struct instant now);
/* locations_user.answer */
void shard_register_answer(void *owner, pool_handle txn, struct text *response, struct instant now);
/* What the credentials name by which the request was proven. */
struct shard_given {
	uint16_t location; /* 0: none */
	uint64_t device;   /* its MAC (sig/host/devices.h); 0: none */
	uint64_t bare;     /* its nonce, where no document names it; 0: one does */
};
struct shard_given shard_given(struct shard *s, const struct sip_message *m, uint16_t tenant,
			       bool proxy);
/* The extension that the request's credentials prove, or NULL if it was answered. */
const struct shard_extension *shard_authenticate(struct shard *s, const struct sip_message *m,
						 uint16_t tenant, bool proxy);
/* The trust rule that the hop matches, or NULL: then its claims must be proven. The only place that
 * decides. */
bool shard_is_trusted(const struct shard *s, const struct sip_hop *hop);
/* Tells operators of a request that its sender may not make; its user is the one it claimed. */
void shard_misuse(struct shard *s, const struct sip_message *m, enum security_kind kind,
		  struct bytes user);
/* The sender on this connection is known: by credentials, by its address, or by knowledge that only
 * a party of a call has. */
void shard_trust(struct shard *s, const struct sip_hop *hop);
/* The same, by its address: it is trusted to send for many users. */
void shard_trust_peer(struct shard *s, const struct sip_hop *hop);
const struct shard_extension *shard_extension_find(const struct shard *s, uint16_t tenant,
						   struct bytes number);
struct shard_extension_slot *shard_extension_at(const struct shard *s, uint16_t tenant,
						struct bytes number, pool_handle *at);
/* The same, with what is remembered of it. */
struct shard_extension_slot *shard_extension_slot(const struct shard *s, uint16_t tenant,
						  struct bytes number);
/* NULL: it has nothing set. Valid until the next event. */
const struct shard_forward *shard_forward_of(const struct shard *s, uint16_t tenant,
					     struct bytes number);

/* For the phone at that address: by its range, else "default", else one without limits. Never NULL;
 * valid until profiles change. */
const struct shard_profile *shard_profile_of(const struct shard *s, uint16_t tenant,
					     const struct addr *source);
/* Audio of its phones may be transcoded. */
bool shard_transcodes(const struct shard *s, const struct shard_profile *profile);
/* The tenant's profile of that name; "", or not found: as shard_profile_of. */
const struct shard_profile *shard_profile_named(const struct shard *s, uint16_t tenant,
						const char *name, const struct addr *source);
void shard_profiles_close(struct shard *s);

/* ---- shard_hop.c ---- */
/* Dialogs and transactions of the user move from hop `from` to `to`; what waited goes at once.
 * Walks all calls. */
void shard_hop_moved(struct shard *s, uint16_t tenant, struct bytes user,
		     const struct sip_hop *from, const struct sip_hop *to);
/* What was reached by the one way is reached by the other. */
bool shard_is_same_phone(const struct sip_hop *known, const struct sip_hop *from);
/* A phone may have registered at an address of another shard: the same hop, from our own address
 * that its dialogs use. */
struct sip_hop shard_hop_own(const struct shard *s, const struct sip_hop *hop);
/* locations_user.moved */
void shard_phone_moved(void *owner, uint16_t tenant, struct bytes user, const struct sip_hop *from,
		       const struct sip_hop *to, struct instant now);
/* That connection is gone: a listening party gets pending requests over a new one, once (RFC 3261
 * 18.4). */
void shard_hop_listeners(struct shard *s, uint64_t connection, int error);
/* Where error says that the flow of its phone has failed, an INVITE of a new call waits for the
 * phone no longer than a moment. */
void shard_hop_gone(struct shard *s, struct txn_slot *slot, int error);
/* A request came within the dialog of a leg. */
void shard_hop_follow(struct shard *s, struct call *c, uint8_t leg, const struct sip_message *m);
/* The party of the dialog that a request is in. */
struct hop_party {
	uint64_t call;             /* for the log; 0: of none */
	const struct sip_hop *hop; /* where it is */
	uint16_t tenant;
	struct bytes user; /* empty: unknown here */
	bool trunk;        /* it is a trunk's, */
	uint16_t of;       /* of this number; TRUNK_NONE: it has none any more */
};
/* Whether an in-dialog request may come from its hop: the party's host, one allowed by a rule, or
 * with the password proven. Moves nothing: the response does (leg_refresh_target). Returns false if
 * it was challenged or refused. */
bool shard_hop_judge(struct shard *s, const struct hop_party *p, const struct sip_message *m);
/* The same of any request in a dialog of a leg, which is in use then. False: it was answered. */
bool shard_hop_allows(struct shard *s, struct call *c, uint8_t leg, const struct sip_message *m);
/* ... for an ACK, which cannot be answered: a stranger's is dropped if it has SDP, or must have.
 * Returns false then. */
bool shard_hop_allows_ack(struct shard *s, const struct call *c, uint8_t leg,
			  const struct sip_message *m);
/* A copy of the request of that transaction came, or its CANCEL. NULL: the transaction is over. */
struct txn_slot *shard_hop_copied(struct shard *s, struct txn_slot *slot,
				  const struct sip_message *m);
/* A request of ours without response, to a phone with another hop, or to a further address of its
 * name. */
bool shard_hop_has_other(struct shard *s, const struct txn_slot *slot);
/* It cannot be reached now, but will come back. */
bool shard_hop_is_awaited(const struct shard *s, const struct sip_hop *hop);
/* REG-08 and the profile of its address: whether a phone of the extension may come over this. */
bool shard_transport_allowed(const struct shard *s, const struct shard_extension *e,
			     const struct sip_hop *hop);
/* 403 with the reason in words. slot: NULL without a transaction. */
void shard_transport_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			    const struct shard_extension *e);

/* By which of the bindings it reaches. */
struct route_asker shard_asker(const struct shard *s);

/* ---- shard_restore.c ---- */
/* The request waits until its party, now without a connection, is reachable again. */
/* error: as in shard_send_failed; EHOSTUNREACH: by an edge node, which may still have the
 * connection. */
void shard_lost_note(struct shard *s, const struct txn_slot *slot, int error);
/* Messages of the previous process may still be repeated to this one. */
bool shard_is_just_resumed(const struct shard *s);
/* Not a neighbour, but a phone of ours with its connection on another node: it may be on a third
 * one by now. */
bool shard_lost_may_come(const struct shard *s, const struct txn_slot *slot);
/* It has waited for a first answer from its party, over UDP. */
void shard_lost_unanswered(struct shard *s, const struct txn_slot *slot, int error);
/* The timer. */
void shard_lost_turn(struct shard *s);
/* locations_user.found. False: nothing of it was asked. */
bool shard_lost_found(struct shard *s, uint64_t token);
void shard_lost_drop(struct shard *s);

#endif
