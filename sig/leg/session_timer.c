/* SPDX-License-Identifier: Apache-2.0 */
/* The session timer of one party (RFC 4028), as session_timer.h describes it: negotiates interval
 * and refresher from requests and responses, writes the headers, and computes when we refresh and
 * when the session expires. Used by the legs of a call and by recording sessions, which send the
 * requests. A successor spreads its own refreshes, since all calls of a node arrive at once. */

#include "sig/leg/session_timer.h"

#include "base/clock.h"
#include "sig/host/settings.h"

enum {
	MARGIN_MAX_S = 32, /* RFC 4028 10: BYE comes a little before the end */
	RESUME_GRACE_S = 60,
	RESUME_SPREAD_MS = 20000,
	EXPIRES_MAX_S = 86400, /* what a 422 may drive us to */
};

/* "1800;refresher=uac" */
struct session_expires {
	uint32_t seconds; /* 0: absent */
	enum { REFRESHER_NONE, REFRESHER_UAC, REFRESHER_UAS } refresher;
};

static struct session_expires expires_of(const struct sip_message *m)
{
	struct session_expires out = { 0 };
	struct bytes value, who;
	size_t end;

	if (!message_header(m, "Session-Expires", 0, &value))
		return out;
	end = bytes_find(value, ';');
	if (bytes_u32(bytes_trim(bytes_sub(value, 0, end)), &out.seconds)) {
		out.seconds = 0;
		return out;
	}
	if (sip_param(bytes_from(value, end), "refresher", &who))
		out.refresher = bytes_iis(who, "uac") ? REFRESHER_UAC : REFRESHER_UAS;
	return out;
}

static uint32_t min_of(const struct sip_message *m)
{
	struct bytes value;
	uint32_t s;

	if (!message_header(m, "Min-SE", 0, &value) ||
	    bytes_u32(bytes_trim(bytes_sub(value, 0, bytes_find(value, ';'))), &s))
		return 0;
	return s < EXPIRES_MAX_S ? s : EXPIRES_MAX_S;
}

static uint32_t at_least(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* What was agreed holds, also when it is switched off for calls to come. */
static bool is_off(const struct call_host *h, const struct session_timer *t)
{
	return h->settings->session_expires_s == 0 && t->interval_s == 0;
}

static uint32_t own_interval(const struct call_host *h, const struct session_timer *t)
{
	uint32_t s = h->settings->session_expires_s;

	return at_least(s ? s : t->interval_s, t->min_s);
}

bool session_timer_on_request(const struct call_host *h, struct session_timer *t,
			      const struct sip_message *m)
{
	struct session_expires want = expires_of(m);
	bool supports = message_has_token(m, "Supported", "timer") ||
			message_has_token(m, "Require", "timer");
	uint32_t most;

	if (is_off(h, t))
		return true;
	if (want.seconds && want.seconds < SESSION_EXPIRES_MIN_S && supports)
		return false;
	t->min_s = at_least(t->min_s, min_of(m));
	most = own_interval(h, t);
	t->interval_s = want.seconds && want.seconds < most ? want.seconds : most;
	t->interval_s = at_least(t->interval_s, SESSION_EXPIRES_MIN_S);
	t->agreed = supports;
	t->ours = !supports || want.refresher != REFRESHER_UAC;
	return true;
}

void session_timer_write_answer(struct writer *w, const struct session_timer *t)
{
	if (t->interval_s == 0)
		return;
	if (t->agreed && !t->ours)
		writer_str(w, "Require: timer\r\n"); /* RFC 4028 9 */
	writer_number(w, "Session-Expires: ", t->interval_s, ";refresher=");
	WRITER_TEXTS(w, t->ours ? "uas" : "uac", "\r\n");
}

void session_timer_write_too_small(struct writer *w)
{
	writer_fmt(w, "Min-SE: %d\r\n", SESSION_EXPIRES_MIN_S);
}

/* At first it is for the party to say who refreshes; later it stays as it is (RFC 4028 7.4). */
void session_timer_write_request(struct writer *w, const struct call_host *h,
				 const struct session_timer *t)
{
	uint32_t s;

	if (is_off(h, t))
		return;
	s = t->interval_s ? at_least(t->interval_s, t->min_s) : own_interval(h, t);
	writer_number(w, "Session-Expires: ", at_least(s, SESSION_EXPIRES_MIN_S), "");
	if (t->interval_s)
		WRITER_TEXTS(w, ";refresher=", t->ours ? "uac" : "uas");
	writer_str(w, "\r\n");
	if (t->min_s)
		writer_number(w, "Min-SE: ", t->min_s, "\r\n");
}

void session_timer_answered(const struct call_host *h, struct session_timer *t,
			    const struct sip_message *m)
{
	struct session_expires got = expires_of(m);

	if (is_off(h, t))
		return;
	t->agreed = got.seconds != 0;
	t->ours = !t->agreed || got.refresher != REFRESHER_UAS;
	t->interval_s = own_interval(h, t);
	if (t->agreed && got.seconds < t->interval_s)
		t->interval_s = got.seconds;
	t->interval_s = at_least(t->interval_s, SESSION_EXPIRES_MIN_S);
	session_timer_start(h, t);
}

/* A party without session timer is asked as well whether it is alive; but only its silence ends the
 * call. */
void session_timer_start(const struct call_host *h, struct session_timer *t)
{
	uint32_t margin = t->interval_s / 3 < MARGIN_MAX_S ? t->interval_s / 3 : MARGIN_MAX_S;

	t->refresh_ns = t->expires_ns = 0;
	if (t->interval_s == 0)
		return;
	if (t->ours)
		t->refresh_ns = h->now.ns + t->interval_s * NS_PER_S / 2;
	if (t->agreed)
		t->expires_ns = h->now.ns + (t->interval_s - margin) * NS_PER_S;
}

static void not_before(uint64_t *deadline, uint64_t ns)
{
	if (*deadline && *deadline < ns)
		*deadline = ns;
}

/* All calls of a node come at once: our own requests are spread. */
void session_timer_resume(const struct call_host *h, struct session_timer *t, bool confirmed)
{
	if (t->ours && t->interval_s && confirmed && !t->refresh_ns)
		t->refresh_ns = 1; /* its answer was awaited */
	not_before(&t->refresh_ns, h->now.ns + rand_below(h->rand, RESUME_SPREAD_MS) * NS_PER_MS);
	not_before(&t->expires_ns, h->now.ns + RESUME_GRACE_S * NS_PER_S);
}

bool session_timer_raise(struct session_timer *t, const struct sip_message *m)
{
	uint32_t min = min_of(m);

	if (m->status != 422 || min == 0 || min < 2 * t->min_s)
		return false; /* in small steps it would go on for long */
	t->min_s = min;
	return true;
}

void session_timer_stop(struct session_timer *t)
{
	t->refresh_ns = t->expires_ns = 0;
}
