/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs login, pin, greeting and notification: access to a mailbox, and changes to its owner's
 * settings (docs/adr/0126, 0115); and device, by which he has the calling phone. The owner's own
 * phone is authenticated by its password. Wrong PINs slow down further attempts, together with
 * guesses of that password by other ways (sig/host/security.h). */
#include "base/json.h"
#include "base/zone.h"
#include "sig/call/secret.h"
#include "sig/host/calendars.h"
#include "sig/host/devices.h"
#include "sig/host/security.h"
#include "sig/host/settings.h"
#include "sig/pbx/flow/flow.h"

enum { PIN_MIN = 4, PIN_ASK_MS = 5000, PIN_COMMAND_MAX = 512, KEYED_MAX = 48 };
enum { LOGIN_NAME_MAX = 64 + 1 + TENANT_NAME_MAX };
#define OF_SITE '@' /* in what is kept of a login: NUMBER@TENANT */

bool login_has(const struct call *c, struct bytes box)
{
	return c->run && c->run->login.n && bytes_eq(text_bytes(&c->run->login), box);
}

/* REG-30: the tenant of the extension with that number: the call's own, else the one site of its
 * enterprise with such an extension that may relocate. */
static uint16_t login_site(const struct flow_turn_of *t, struct bytes box)
{
	const struct directory_service *all = t->h->services->directory;
	const struct tenants *tenants = t->h->settings->tenants;
	uint16_t own = t->c->tenant, found = own;
	const char *name = tenants_terms(tenants, own)->enterprise;

	if (!name[0] || all->extension(t->h->owner, own, box))
		return own;
	for (uint16_t other = 0; tenants_next(tenants, &other); other++) {
		const struct shard_extension *e =
			other == own || strcmp(name, tenants_terms(tenants, other)->enterprise) != 0
				? NULL
				: all->extension(t->h->owner, other, box);

		if (!e || !e->relocates)
			continue;
		if (found != own) /* of two sites: which one is meant nobody knows */
			return own;
		found = other;
	}
	return found;
}

static void site_login_name(const struct flow_turn_of *t, struct bytes box, uint16_t site,
			    struct writer *w)
{
	writer_bytes(w, box);
	if (site == t->c->tenant)
		return;
	writer_u8(w, OF_SITE);
	writer_str(w, tenants_name(t->h->settings->tenants, site));
}

static int login_done(struct call *c, struct bytes box, enum flow_outcome outcome)
{
	outbox_touch(&c->out);
	return text_set(&c->run->login, box) ? OUTCOME_FAILED : (int)outcome;
}

/* The phone of that extension calls by itself. */
static bool login_is_own(const struct call *c, struct bytes box)
{
	const struct leg *l = call_caller(c);

	return l && !leg_is_trunk(l) && l->dialog.hop.transport != SIP_INTER_SHARD && box.n &&
	       bytes_eq(text_bytes(&l->user), box);
}

static int login_own(const struct flow_turn_of *t, struct bytes box)
{
	const struct tenant_terms *terms = tenants_terms(t->h->settings->tenants, t->c->tenant);
	bool none;

	if (!login_is_own(t->c, box))
		return OUTCOME_INVALID;
	none = t->h->services->directory->check_pin(t->h->owner, t->c->tenant, box,
						    (struct bytes){ 0 }) == PIN_NONE;
	return none                ? login_done(t->c, box, OUTCOME_NONE)
	       : terms->pin_always ? OUTCOME_INVALID
				   : login_done(t->c, box, OUTCOME_NEXT);
}

static int login_by_pin(const struct flow_turn_of *t, struct bytes box, struct bytes pin)
{
	char object[sizeof(SECRET_PASSWORD) + LOGIN_NAME_MAX];
	struct writer w = writer_over(object, sizeof(object) - 1);
	uint16_t site = login_site(t, box);
	size_t front;

	WRITER_TEXTS(&w, SECRET_PASSWORD);
	front = w.n;
	site_login_name(t, box, site, &w);
	object[w.n] = '\0';
	if (secret_waits_ns(t->h, t->c, object))
		return OUTCOME_REJECTED;
	if (t->h->services->directory->check_pin(t->h->owner, site, box, pin) == PIN_RIGHT) {
		secret_is_right(t->h, t->c, object);
		return login_done(t->c, bytes_str(object + front), OUTCOME_NEXT);
	}
	secret_is_wrong(t->h, t->c, object);
	return secret_waits_ns(t->h, t->c, object) ? OUTCOME_REJECTED : OUTCOME_INVALID;
}

int verb_login(struct flow_turn_of *t)
{
	struct bytes box = verb_text(t->v, "box");

	text_clear(&t->c->run->login);
	return verb_value(t->v, "pin")->given ? login_by_pin(t, box, verb_text(t->v, "pin"))
					      : login_own(t, box);
}

int verb_command(struct flow_turn_of *t, const char *command, const struct verb_member *members,
		 uint32_t ms)
{
	uint8_t space[PIN_COMMAND_MAX];
	struct writer w = writer_over(space, sizeof(space));
	int outcome = OUTCOME_FAILED;

	WRITER_TEXTS(&w, "{\"command\":\"", command, "\",\"args\":{");
	for (const struct verb_member *m = members; m->name; m++) {
		WRITER_TEXTS(&w, m == members ? "\"" : ",\"", m->name, "\":");
		if (m->is_number)
			writer_bytes(&w, m->value);
		else
			json_write_text(&w, m->value);
	}
	writer_str(&w, "}}");
	if (!w.overflow)
		outcome = verb_request(t, HELPER_COMMAND, writer_done(&w), ms);
	explicit_bzero(space, sizeof(space));
	return outcome;
}

/* name-BOX, greeting-BOX and their variants that continue with '-'. */
static bool prompt_is_of_box(struct bytes prompt, struct bytes box)
{
	static const char *const words[] = { "name-", "greeting-" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct bytes rest = bytes_from(prompt, strlen(words[i]));

		if (bytes_starts(prompt, words[i]) && rest.n >= box.n &&
		    bytes_eq(bytes_sub(rest, 0, box.n), box) &&
		    (rest.n == box.n || (i && rest.p[box.n] == '-')))
			return true;
	}
	return false;
}

/* Four digits: two numbers. Returns false for anything else. */
static bool keyed_pair(struct bytes keys, uint32_t *first, uint32_t *second)
{
	return keys.n == 4 && !bytes_u32(bytes_sub(keys, 0, 2), first) &&
	       !bytes_u32(bytes_from(keys, 2), second);
}

/* The next date with that day and month, today included. Returns false if it is not in this year or
 * the next. */
static bool keyed_day(struct bytes keys, int64_t today, struct civil *out)
{
	uint32_t day, month;
	int64_t year = civil_of(today).year;

	if (!keyed_pair(keys, &day, &month) || !month || month > 12)
		return false;
	*out = (struct civil){ year, (uint8_t)month, (uint8_t)day };
	if (day > civil_month_days(year, out->month) || civil_days(*out) < today)
		out->year++;
	return day && day <= civil_month_days(out->year, out->month);
}

/* until: Unix time in ms of the end of the day that was entered. Returns false if it is not a
 * day. */
static bool greeting_until(const struct flow_turn_of *t, struct writer *until)
{
	const char *own = tenants_terms(t->h->settings->tenants, t->c->tenant)->zone;
	const struct zone *z = own[0] ? calendars_zone(t->h->calendars, own) : NULL;
	int64_t utc_s = (int64_t)t->c->run->turned_utc_s, end;
	struct civil date;

	if (!verb_value(t->v, "until")->given)
		return true;
	if (!keyed_day(verb_text(t->v, "until"),
		       civil_day(utc_s + (z ? zone_offset_s(z, utc_s) : 0)), &date))
		return false;
	end = (civil_days(date) + 1) * ZONE_DAY_S;
	writer_number(until, "", (uint64_t)(z ? zone_utc_s(z, end) : end) * 1000, "");
	return true;
}

int verb_greeting(struct flow_turn_of *t)
{
	struct bytes box = verb_text(t->v, "box"), prompt = verb_text(t->v, "prompt"),
		     recording = verb_text(t->v, "recording");
	uint8_t space[KEYED_MAX];
	struct writer until = writer_over(space, sizeof(space));
	bool day = greeting_until(t, &until);
	const struct verb_member members[] = {
		{ "name", prompt },
		{ recording.n ? "recording" : NULL, recording },
		{ until.n ? "until_utc_ms" : NULL, writer_done(&until), true },
		{ 0 },
	};

	if (!day)
		return OUTCOME_INVALID;
	return login_has(t->c, box) && prompt_is_of_box(prompt, box)
		       ? verb_command(t,
				      recording.n                 ? "prompt.put"
				      : verb_number(t->v, "keep") ? "prompt.get"
								  : "prompt.delete",
				      members, PIN_ASK_MS)
		       : OUTCOME_FAILED;
}

bool verb_times(const struct flow_verb *v, struct writer *w)
{
	struct bytes from = verb_text(v, "from"), until = verb_text(v, "until");
	uint32_t hour, minute, to_hour, to_minute;

	if (!keyed_pair(from, &hour, &minute) || !keyed_pair(until, &to_hour, &to_minute) ||
	    hour > 23 || to_hour > 23 || minute > 59 || to_minute > 59)
		return false;
	if (!bytes_eq(from, until))
		writer_fmt(w, "%02u:%02u-%02u:%02u", hour, minute, to_hour, to_minute);
	return true;
}

/* A number outside costs: the phone of the extension alone sets one. */
static bool notification_may(const struct flow_turn_of *t, struct bytes box, struct bytes to)
{
	return !to.n || login_is_own(t->c, box) ||
	       t->h->services->directory->extension(t->h->owner, t->c->tenant, to);
}

int verb_notification(struct flow_turn_of *t)
{
	struct bytes box = verb_text(t->v, "box"), to = verb_text(t->v, "to");
	bool timed = verb_value(t->v, "from")->given || verb_value(t->v, "until")->given;
	uint32_t which = verb_number(t->v, "which");
	uint8_t space[KEYED_MAX];
	struct writer times = writer_over(space, sizeof(space));
	struct verb_member members[5] = { { "number", box } };
	size_t n = 1;

	if (!login_has(t->c, box))
		return OUTCOME_FAILED;
	if ((timed && !verb_times(t->v, &times)) || !notification_may(t, box, to))
		return OUTCOME_INVALID;
	if (which)
		members[n++] = (struct verb_member){
			"mailbox_notify",
			bytes_str(verb_arg_find(t->v->verb, "which")->words[which])
		};
	if (to.n)
		members[n++] = (struct verb_member){ "mailbox_notify_to", to };
	if (timed)
		members[n++] = (struct verb_member){ "mailbox_notify_hours", writer_done(&times) };
	return verb_command(t, n > 1 ? "extension.put" : "extension.get", members, PIN_ASK_MS);
}

/* False: the caller has not logged in to that. home: the other site that has it; empty: none. */
static bool login_is_proven(const struct call *c, struct bytes box, struct bytes *home)
{
	struct bytes rest = c->run ? text_bytes(&c->run->login) : (struct bytes){ 0 }, number;

	if (!bytes_cut(&rest, OF_SITE, &number) || !bytes_eq(number, box))
		return false;
	*home = rest;
	return true;
}

/* By the device with the account that has proven the call, and no other one. */
int verb_device(struct flow_turn_of *t)
{
	const struct leg *l = call_caller(t->c);
	struct bytes box = verb_text(t->v, "box"), home = { 0 };
	bool out = verb_number(t->v, "do");
	uint8_t mac[DEVICE_ACCOUNT_NAME], space[KEYED_MAX];
	struct writer w = writer_over(mac, sizeof(mac)), hours = writer_over(space, sizeof(space));
	char name[BARE_NAME + 1];
	struct verb_member members[7] = { { 0 } };
	size_t n = 4;

	if (!l || !l->device)
		return OUTCOME_NONE;
	if (!out && !login_is_proven(t->c, box, &home))
		return OUTCOME_FAILED;
	device_mac_write(&w, l->device);
	writer_number(&hours, "", verb_number(t->v, "hours"), "");
	members[0] = (struct verb_member){ "mac", writer_done(&w) };
	if (!out) {
		members[1] = (struct verb_member){ "number", box };
		members[2] = (struct verb_member){
			"take", bytes_str(verb_number(t->v, "take") ? "true" : "false"), true
		};
		members[3] = (struct verb_member){ "hours", writer_done(&hours), true };
		bare_name(writer_done(&w), l->bare, name);
		if (l->bare)
			members[n++] = (struct verb_member){ "bare", bytes_str(name) };
		if (home.n)
			members[n++] = (struct verb_member){ "home", home };
	}
	return verb_command(t, out ? "device.logout" : "device.login", members, PIN_ASK_MS);
}

static bool pin_is_good(struct bytes pin)
{
	size_t digits = 0;

	while (digits < pin.n && pin.p[digits] >= '0' && pin.p[digits] <= '9')
		digits++;
	return digits == pin.n && digits >= PIN_MIN;
}

int verb_pin(struct flow_turn_of *t)
{
	const struct tenant_terms *terms = tenants_terms(t->h->settings->tenants, t->c->tenant);
	struct bytes box = verb_text(t->v, "box");
	const struct verb_member members[] = {
		{ "number", box },
		{ terms->one_password ? "password" : "pin", verb_text(t->v, "pin") },
		{ 0 },
	};

	if (!login_has(t->c, box))
		return OUTCOME_FAILED;
	if (!pin_is_good(verb_text(t->v, "pin")) ||
	    (verb_value(t->v, "again")->given &&
	     !bytes_eq(verb_text(t->v, "pin"), verb_text(t->v, "again"))))
		return OUTCOME_INVALID;
	return verb_command(t, "extension.put", members, PIN_ASK_MS);
}
