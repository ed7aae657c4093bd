/* SPDX-License-Identifier: Apache-2.0 */
/* NOTIFYs to subscribers: one NOTIFY of a subscription is in flight at a time, and the next one has
 * the newest state. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/sip/hop.h"
#include "sig/subscription/features.h"
#include "sig/subscription/list.h"

enum {
	NOTIFY_EXTRA_MAX = 256,
	LIMIT_NEAR = 64, /* NOTIFYs before the limit: it is moved */
	RETRY_MAX_S = 300,
	SUBSCRIBE_AGAIN_S = 60,
	TURN_MS = 1,
	LIST_COSTS = 2,    /* of a turn: a document that names all */
	TURNS_OF_MANY = 4, /* each tells one part in so many of those who wait */
	SEND_AGAIN_MS = 1000,
	MISSES_MAX = 3, /* in a row: its watcher is gone */
	MISSED_MS = 5000,
	COUNT_MS = 1000,
};

const char *subscription_ending_name(enum subscription_ending ending)
{
	static const char *const names[ENDINGS] = {
		[ENDING_NOT] = "",
		[ENDING_TIMEOUT] = "timeout",
		[ENDING_REJECTED] = "rejected",
		[ENDING_NORESOURCE] = "noresource",
		[ENDING_DEACTIVATED] = "deactivated",
		[ENDING_PROBATION] = "probation",
		[ENDING_GIVEUP] = "giveup",
	};

	return names[ending];
}

/* ---- turns ---- */

void subscription_change(struct subscriptions *s, struct subscription *sub)
{
	enum due_order order =
		sub->list && !sub->whole && !sub->ending && !list_has_changed(sub->list)
			? DUE_REST
			: DUE_CHANGE;

	sub->changed = true;
	if (sub->due_back && sub->due_order <= order)
		return;
	subscription_due_drop(s, sub);
	s->due_count++;
	sub->due_order = order;
	sub->due_next = NULL;
	sub->due_back = s->due[order].end;
	*sub->due_back = sub;
	s->due[order].end = &sub->due_next;
	if (!wheel_is_running(&s->turn)) /* what the change is about has its turn first */
		wheel_start(s->host->wheel, &s->turn, s->host->now.ns + TURN_MS * NS_PER_MS);
}

void subscription_renew(struct subscriptions *s, struct subscription *sub)
{
	sub->whole = true;
	subscription_change(s, sub);
}

void subscriptions_changed(struct subscriptions *s, uint16_t tenant, struct bytes user,
			   enum watch_change what)
{
	struct subscription *sub = NULL;

	if (!s->pool.in_use)
		return;
	while ((sub = subscription_of_resource(s, tenant, user, sub)) != NULL) {
		const struct event_package *p = sub->package;

		if (what == CHANGED_PHONES && (p->of_settings || p->of_messages))
			sub->whole = true; /* it may have started anew */
		if (what == CHANGED_MESSAGES && sub->counting) {
			sub->counting = false;
			sub->retry_ns = 0;
		}
		if (p->changes & 1 << what)
			subscription_change(s, sub);
	}
	for (struct list_resource *r = list_with(s, tenant, user); r; r = r->next) {
		if (list_of_resource(r)->sub->package->changes & 1 << what)
			list_changed(s, r, false);
	}
}

/* ---- the state ---- */

/* Of its user at this moment: what its package tells is in it. */
struct notify_about {
	struct dialog_state dialogs[DIALOG_STATES_MAX];
	uint32_t dialog_count;
	bool has_conference;
	struct conference_view conference;
	struct conference_notified told; /* of it, in this NOTIFY; more: of any package */
	struct features_due features;
	bool counted;
	struct message_counts messages;
};

static void about_read(struct subscriptions *s, struct subscription *sub, struct notify_about *a)
{
	struct bytes user = text_bytes(&sub->resource);
	const struct event_package *p = sub->package;

	a->dialog_count = 0;
	a->has_conference = a->counted = false;
	a->features.part = FEATURE_EVENT_PARTS;
	a->told = sub->conference;
	a->told.more = false;
	if (p->of_settings) {
		a->features = features_due(s, sub);
		a->told.more = a->features.more;
		return;
	}
	if (p->of_messages) {
		a->counted = s->view.messages(s->view.owner, sub->tenant, user, &a->messages);
		return;
	}
	if (!p->of_conferences) {
		a->dialog_count =
			s->view.dialogs(s->view.owner, sub->package, sub->tenant, user, a->dialogs);
		return;
	}
	a->has_conference = s->view.conference(s->view.owner, sub->tenant, user, &a->conference);
	sub->whole |= a->has_conference && conference_has_changed(&a->told, &a->conference);
}

static void notified_note(struct subscription *sub, const struct notify_about *a)
{
	if (sub->package->of_settings) {
		if (a->features.part < FEATURE_EVENT_PARTS)
			sub->told[a->features.part].id = a->features.mark;
		return;
	}
	sub->conference = a->told;
	if (a->counted)
		sub->messages = a->messages;
	sub->told_count = a->dialog_count;
	for (uint32_t i = 0; i < a->dialog_count; i++)
		sub->told[i] = (struct dialog_notified){ .id = a->dialogs[i].id,
							 .phase = (uint8_t)a->dialogs[i].phase,
							 .recipient = a->dialogs[i].recipient,
							 .held = a->dialogs[i].held };
}

static bool is_same_dialogs(const struct subscription *sub, const struct notify_about *a)
{
	if (sub->told_count != a->dialog_count)
		return false;
	for (uint32_t i = 0; i < a->dialog_count; i++) {
		const struct dialog_notified *t = &sub->told[i];

		if (t->id != a->dialogs[i].id || t->phase != a->dialogs[i].phase ||
		    t->held != a->dialogs[i].held)
			return false;
	}
	return true;
}

static bool is_same_state(const struct subscription *sub, const struct notify_about *a)
{
	if (a->has_conference)
		return a->conference.roster->change == sub->conference.change;
	if (sub->package->of_settings)
		return a->features.part == FEATURE_EVENT_PARTS;
	if (sub->package->of_messages)
		return !a->counted || !memcmp(&a->messages, &sub->messages, sizeof(a->messages));
	return sub->package->of_blf && is_same_dialogs(sub, a);
}

/* Over UDP a document of 16 KiB would be a dozen fragments, of which one may be lost each time. */
static size_t most_of(const struct subscription *sub)
{
	if (sip_transport_is_stream(sub->dialog.hop.transport))
		return HOST_SDP_MAX;
	return sub->list ? LIST_DATAGRAM_MAX : CONFERENCE_DATAGRAM_MAX;
}

static void write_state(struct writer *w, struct subscriptions *s, struct subscription *sub,
			struct notify_about *a, bool hidden)
{
	struct bytes user = text_bytes(&sub->resource);
	const struct event_package *p = sub->package;
	struct sip_name_addr to = { 0 }, from = { 0 };
	struct package_state state = {
		.all = s,
		.of = sub,
		.version = sub->dialog.local_cseq,
		.whole = sub->whole,
		.hidden = hidden,
		.dialogs = a->dialogs,
		.dialog_count = a->dialog_count,
		.told = sub->told,
		.told_count = sub->told_count,
		.entry = p->of_phones ? s->view.entry(s->view.owner, sub->tenant, user) : NULL,
		.utc_ms = s->host->now.utc_ms,
		.conference = a->has_conference ? &a->conference : NULL,
		.conference_notified = &a->told,
		.most = most_of(sub),
		.part = a->features.part,
		.forward = p->of_settings ? s->host->services->directory->forward(s->host->owner,
										  sub->tenant, user)
					  : NULL,
		.messages = a->counted ? &a->messages : NULL,
	};

	if (!sip_name_addr_parse(&to, text_bytes(&sub->dialog.local)))
		state.entity = to.uri;
	if (!sub->trunk.n && !sip_name_addr_parse(&from, text_bytes(&sub->dialog.remote)))
		state.watcher = from.uri;
	p->write(w, &state);
}

uint32_t subscription_write(struct subscriptions *s, struct subscription *sub, bool hidden,
			    struct writer *w)
{
	static const struct hash_key key;
	struct notify_about a;
	size_t from = w->n;
	uint64_t hash = hidden;

	about_read(s, sub, &a);
	write_state(w, s, sub, &a, hidden);
	/* the body of dialogs has its version in it */
	for (uint32_t i = 0; i < a.dialog_count; i++)
		hash = hash * 31 + a.dialogs[i].id + a.dialogs[i].phase * 2 + a.dialogs[i].held;
	if (sub->package->of_phones)
		hash = hash_sip(&key, bytes_mem(w->p + from, w->n - from));
	return (uint32_t)(hash ^ hash >> 32) | WATCH_VERDICTS;
}

/* ---- the request ---- */

static void write_event(struct writer *w, const struct subscription *sub)
{
	WRITER_TEXTS(w, "Event: ", sub->package->name);
	if (sub->event_id.n) {
		writer_str(w, ";id=");
		writer_bytes(w, text_bytes(&sub->event_id));
	}
	writer_str(w, "\r\n");
}

/* more: further ones follow, so it does not end yet. */
static void write_standing(struct writer *w, const struct subscriptions *s,
			   const struct subscription *sub, bool more)
{
	uint64_t now_ns = s->host->now.ns;
	uint64_t left = sub->expires_ns > now_ns ? sub->expires_ns - now_ns : 0;

	if (!sub->ending || more) {
		writer_number(w, "Subscription-State: active;expires=", left / NS_PER_S, "\r\n");
		return;
	}
	WRITER_TEXTS(
		w, "Subscription-State: terminated;reason=", subscription_ending_name(sub->ending));
	if (sub->ending == ENDING_PROBATION || sub->ending == ENDING_GIVEUP) /* RFC 6665 4.1.3 */
		writer_number(w, ";retry-after=", SUBSCRIBE_AGAIN_S, "");
	writer_str(w, "\r\n");
}

/* False: there is no transaction left for it. */
static bool notify_send(struct subscriptions *s, struct subscription *sub, struct bytes body,
			bool more)
{
	uint8_t space[NOTIFY_EXTRA_MAX], type_space[NOTIFY_EXTRA_MAX];
	struct writer extra = writer_over(space, sizeof(space));
	struct writer type = writer_over(type_space, sizeof(type_space));
	struct dialog_request r = { .method = SIP_NOTIFY,
				    .max_forwards = -1,
				    .contact = true,
				    .content_type = bytes_str(sub->package->type),
				    .body = body };
	struct txn_slot *slot;

	write_event(&extra, sub);
	write_standing(&extra, s, sub, more);
	if (sub->list) {
		list_write_type(&type, sub);
		r.content_type = writer_done(&type);
		writer_str(&extra, "Require: eventlist\r\n");
	}
	r.extra = writer_lines(&extra);
	slot = leg_request(s->host, &sub->dialog, &r, TXN_USER_SUBSCRIPTION);
	if (!slot)
		return false;
	sub->notify = slot->self;
	metric_add(s->metrics.notified, 1);
	(void)txns_step(s->host->txns, slot, TXN_EV_START, s->host->now.ns);
	subscription_aim(s, sub);
	return true;
}

static void notify_later(struct subscriptions *s, struct subscription *sub, uint64_t ms)
{
	sub->retry_ns = s->host->now.ns + ms * NS_PER_MS;
	subscription_aim(s, sub);
}

/* It would be too long each time. Its watcher may ask again when there is less to be told. */
static void notify_too_long(struct subscription *sub, struct writer *w)
{
	LOG_WARN("sip", sub->id, "what is to be told is too long",
		 LOG_STR("package", sub->package->name),
		 LOG_BYTES("resource", text_bytes(&sub->resource)));
	*w = writer_over(w->p, w->cap);
	if (!sub->ending)
		sub->ending = ENDING_PROBATION;
}

/* Permitted watchers; also those that are told of the end. */
static bool may_hear(const struct subscription *sub, enum watch_verdict verdict)
{
	return verdict == WATCH_OK || verdict == WATCH_HIDDEN ||
	       (verdict == WATCH_NO_RESOURCE && sub->package->tells_end);
}

/* What did not fit goes on when this is answered; what changes now has its time. */
static void notified_now(struct subscriptions *s, struct subscription *sub,
			 const struct notify_about *a)
{
	uint64_t pace_ns = sub->list ? s->host->settings->calls.list_pace_ns
				     : sub->package->pace_ms * NS_PER_MS;

	notified_note(sub, a);
	sub->whole = false;
	sub->changed = a->told.more;
	sub->pace_ns = pace_ns && !sub->changed && !sub->ending ? s->host->now.ns + pace_ns : 0;
	subscription_aim(s, sub);
}

/* False: there is nothing new. */
static bool notify_write(struct subscriptions *s, struct subscription *sub,
			 enum watch_verdict verdict, struct notify_about *about, struct writer *w)
{
	if (sub->list) {
		*about = (struct notify_about){ .dialog_count = 0 };
		return !may_hear(sub, verdict) ||
		       list_write(s, sub, most_of(sub), w, &about->told.more);
	}
	about_read(s, sub, about);
	if (!sub->whole && !sub->ending && is_same_state(sub, about))
		return false;
	if (may_hear(sub, verdict))
		write_state(w, s, sub, about, verdict == WATCH_HIDDEN);
	return true;
}

static void notify_state(struct subscriptions *s, struct subscription *sub,
			 enum watch_verdict verdict)
{
	struct writer w = writer_over(s->host->sdp, HOST_SDP_MAX);
	struct notify_about about;

	if (!notify_write(s, sub, verdict, &about, &w)) {
		sub->changed = false; /* it came and went before it could be told */
		return;
	}
	about.told.more &= may_hear(sub, verdict) && (!sub->ending || sub->package->of_settings);
	if (w.overflow)
		notify_too_long(sub, &w);
	if (!notify_send(s, sub, writer_done(&w), about.told.more)) {
		sub->whole = true; /* a number may be left out */
		notify_later(s, sub, SEND_AGAIN_MS);
		return;
	}
	notified_now(s, sub, &about);
}

/* The numbers that the record allows are used up: a successor might use those that follow, too. */
static bool is_at_limit(struct subscriptions *s, struct subscription *sub)
{
	uint32_t next = sub->dialog.local_cseq + 1;

	if (!sub->version || s->host->degraded)
		return false;
	if (next + LIMIT_NEAR > sub->limit && !sub->saving)
		subscription_save(s, sub);
	return next > sub->acked_limit;
}

/* Only its phone can create a new path: it uses a connection of another node, or an address of
 * one. */
static bool way_is_theirs(const struct sip_hop *hop)
{
	return (sip_transport_is_stream(hop->transport) && hop->inbound) ||
	       hop_is_edge(hop->connection);
}

/* A closed connection without a listener. */
static bool is_out_of_reach(const struct subscription *sub)
{
	const struct sip_hop *hop = &sub->dialog.hop;

	return sub->out_of_reach || (way_is_theirs(hop) && !hop->connection);
}

static void subscription_over(struct subscriptions *s, struct subscription *sub)
{
	metric_add(s->metrics.ended[sub->ending], 1);
	LOG_INFO("sip", sub->id, "subscription is over",
		 LOG_STR("tenant", tenants_name(s->host->settings->tenants, sub->tenant)),
		 LOG_STR("package", sub->package->name),
		 LOG_BYTES("watcher", text_bytes(&sub->watcher)),
		 LOG_BYTES("resource", text_bytes(&sub->resource)),
		 LOG_STR("reason",
			 sub->ending ? subscription_ending_name(sub->ending) : "not reached"));
	subscription_publish_gone(s, sub);
	subscription_forget(s, sub);
	subscription_remove(s, sub);
}

static bool may_notify(struct subscriptions *s, struct subscription *sub)
{
	return sub->changed && !sub->notify && !sub->waits && !sub->retry_ns &&
	       (!sub->pace_ns || sub->whole || sub->ending) && !is_out_of_reach(sub) &&
	       !is_at_limit(s, sub);
}

/* Its messages are not counted yet: they are in a moment. A phone that gets no counts might show
 * that there are none. */
static bool subscription_counts(struct subscriptions *s, struct subscription *sub)
{
	struct message_counts counts;

	if (!sub->package->of_messages || sub->counting ||
	    s->view.messages(s->view.owner, sub->tenant, text_bytes(&sub->resource), &counts))
		return false;
	sub->counting = true;
	notify_later(s, sub, COUNT_MS);
	return true;
}

static void subscription_notify(struct subscriptions *s, struct subscription *sub)
{
	enum watch_verdict verdict;

	if (sub->page) {
		user_watch_notify(s, sub);
		return;
	}
	if (sub->ending && is_out_of_reach(sub)) {
		subscription_over(s, sub);
		return;
	}
	if (!may_notify(s, sub) || subscription_counts(s, sub))
		return;
	verdict = s->view.may(s->view.owner, sub);
	if (verdict == WATCH_REJECTED && !sub->ending)
		sub->ending = ENDING_REJECTED;
	if (verdict == WATCH_NO_RESOURCE && !sub->ending)
		sub->ending = ENDING_NORESOURCE;
	notify_state(s, sub, verdict);
}

/* Few, as calls wait meanwhile; many if many wait, as BLF must not be late. */
static uint32_t turn_size(const struct subscriptions *s)
{
	uint32_t many = s->due_count / TURNS_OF_MANY;

	if (many < SUBSCRIPTIONS_TOLD_LEAST)
		return SUBSCRIPTIONS_TOLD_LEAST;
	return many < SUBSCRIPTIONS_NOTIFIED ? many : SUBSCRIPTIONS_NOTIFIED;
}

static struct subscription *due_first(const struct subscriptions *s)
{
	return s->due[DUE_CHANGE].first ? s->due[DUE_CHANGE].first : s->due[DUE_REST].first;
}

void subscriptions_turn(struct subscriptions *s)
{
	uint32_t left = turn_size(s), costs;
	struct subscription *sub;

	while (left && (sub = due_first(s)) != NULL) {
		subscription_due_drop(s, sub);
		costs = sub->list && sub->whole ? LIST_COSTS : 1;
		left = left > costs ? left - costs : 0;
		subscription_notify(s, sub);
	}
	if (due_first(s)) /* as a millisecond begins: timers are rounded up to the next one */
		wheel_start(s->host->wheel, &s->turn,
			    (s->host->now.ns / NS_PER_MS + TURN_MS) * NS_PER_MS);
}

/* ---- the end ---- */

void subscription_end(struct subscriptions *s, struct subscription *sub,
		      enum subscription_ending ending)
{
	if (sub->ending)
		return;
	sub->ending = ending;
	sub->retry_ns = 0;
	subscription_renew(s, sub);
	subscription_aim(s, sub);
}

/* ---- answers ---- */

/* RFC 6665 4.2.2: a watcher that states a time is notified again. */
static uint32_t retry_after_s(const struct sip_message *m)
{
	struct bytes value;
	uint32_t s;

	if (!m || !message_header(m, "Retry-After", 0, &value) ||
	    bytes_u32(bytes_trim(bytes_sub(value, 0, bytes_find(value, '('))), &s))
		return 0;
	return s < RETRY_MAX_S ? s : RETRY_MAX_S;
}

/* It says nothing about the subscription (RFC 5057 5.1): no response, or one of an intermediary
 * that failed. */
static bool is_missed(const struct sip_message *m)
{
	return !m || m->status == 408 || m->status == 500 || m->status == 503 || m->status == 504;
}

static void notify_failed(struct subscriptions *s, struct subscription *sub,
			  const struct call_event *ev)
{
	const struct sip_hop *hop = &sub->dialog.hop;
	uint32_t after_s = retry_after_s(ev->message);

	metric_add(s->metrics.failed, 1);
	sub->whole = sub->changed = true;
	if (sub->ending) {
		subscription_over(s, sub);
	} else if (after_s) {
		notify_later(s, sub, after_s * UINT64_C(1000));
	} else if (!ev->message && way_is_theirs(hop)) {
		sub->out_of_reach = true; /* its phone comes back, or it runs out */
	} else if (is_missed(ev->message) && ++sub->misses < MISSES_MAX) {
		notify_later(s, sub, MISSED_MS);
	} else {
		subscription_over(s, sub);
	}
}

void subscription_notified(struct subscriptions *s, struct subscription *sub,
			   const struct call_event *ev)
{
	if (ev->txn != sub->notify || ev->kind == CALL_EV_PROVISIONAL)
		return;
	sub->notify = 0;
	if (ev->kind != CALL_EV_SUCCESS) {
		notify_failed(s, sub, ev);
		return;
	}
	sub->misses = 0;
	if (sub->ending && !sub->changed) {
		subscription_over(s, sub);
	} else if (sub->changed) {
		subscription_change(s, sub);
	}
}

static void subscription_found(struct subscriptions *s, struct subscription *sub,
			       const struct lookup_reply *outcome)
{
	bool ack; /* it has none */

	if (dialog_on_lookup(&sub->dialog, s->host, outcome, &ack))
		dialog_held_go(&sub->dialog, s->host);
}

void subscription_on_lookup(struct subscriptions *s, struct subscription *sub,
			    const struct lookup_reply *outcome)
{
	subscription_found(s, sub, outcome);
	subscription_aim(s, sub);
}

bool subscription_forward(struct subscriptions *s, struct subscription *sub, struct txn_slot *slot,
			  uint32_t for_s)
{
	struct dialog_moved as; /* nothing else is sent there, so it has its number */

	return slot->self == sub->notify && dialog_forward(&sub->dialog, s->host, slot, for_s, &as);
}

void subscription_moved(struct subscriptions *s, struct subscription *sub, const struct sip_hop *to)
{
	struct sip_hop from = sub->dialog.hop;

	sub->dialog.hop = *to;
	sub->out_of_reach = false;
	txns_hop_moved(s->host->txns, sub->id, sub->dialog.tag.leg, &from, to, s->host->now.ns);
	subscription_save(s, sub);
	if (sub->changed)
		subscription_change(s, sub);
}

/* ---- time ---- */

void subscription_aim(struct subscriptions *s, struct subscription *sub)
{
	uint64_t next = sub->ending ? UINT64_MAX : sub->expires_ns;

	if (dialog_lookup_due_ns(&sub->dialog) && dialog_lookup_due_ns(&sub->dialog) < next)
		next = dialog_lookup_due_ns(&sub->dialog);
	if (sub->retry_ns && sub->retry_ns < next)
		next = sub->retry_ns;
	if (sub->pace_ns && sub->pace_ns < next)
		next = sub->pace_ns;
	if (sub->save_ns && sub->save_ns < next)
		next = sub->save_ns;
	wheel_aim(s->host->wheel, &sub->timer, next);
}

void subscription_timer(struct subscriptions *s, struct subscription *sub)
{
	uint64_t now_ns = s->host->now.ns;

	if (dialog_lookup_due_ns(&sub->dialog) && dialog_lookup_due_ns(&sub->dialog) <= now_ns)
		subscription_found(s, sub, NULL);
	if (sub->save_ns && sub->save_ns <= now_ns) {
		sub->save_ns = 0;
		if (sub->saving)
			subscription_saved(s, sub, sub->saving, false);
		else
			subscription_save(s, sub);
	}
	if (sub->retry_ns && sub->retry_ns <= now_ns) {
		sub->retry_ns = 0;
		features_set_over(s, sub, 0);
		subscription_change(s, sub);
	}
	if (sub->pace_ns && sub->pace_ns <= now_ns) {
		sub->pace_ns = 0;
		if (sub->changed)
			subscription_change(s, sub);
	}
	if (sub->expires_ns > now_ns || sub->ending) {
		subscription_aim(s, sub);
	} else if (is_out_of_reach(sub)) {
		sub->ending = ENDING_TIMEOUT;
		subscription_over(s, sub);
	} else {
		subscription_end(s, sub, ENDING_TIMEOUT);
	}
}
