/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is logged in at a device. A device with a password of its own is a phone of its extension, or
 * of the one that has logged in there. The login is part of its document: all nodes have it, and it
 * outlives any of them. It has an epoch, the time when it began. Of two logins of an extension that
 * has one phone alone the later one counts, at all nodes alike, and the other one is logged out. It
 * has a deadline, too. The shards know each device by an account (sig/host/devices.h).
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_start.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/location/locations.h"
#include "sig/shard/shared_tables.h"

#define HOUR_MS        UINT64_C(3600000)
#define LOGIN_AGAIN_NS NS_PER_S /* a login that is over is deleted, by one node or another */

/* Of those that a start has loaded, one is looked at in each beat: a search through all devices. */
static uint64_t g_checked_ns;

static struct table *device_accounts(struct node *n)
{
	return &n->common.shared_tables->devices;
}

/* ---- the password ---- */

static struct bytes device_context(const char *tenant, const char *mac,
				   char out[DEVICE_CONTEXT_MAX])
{
	struct writer w = writer_over(out, DEVICE_CONTEXT_MAX);

	WRITER_TEXTS(&w, "device ", tenant, " ", mac);
	return writer_done(&w);
}

bool device_password_seal(struct command_run *run, struct device_value *v, struct bytes password)
{
	char context[DEVICE_CONTEXT_MAX];

	if (!form_secret_seal(v->password, device_context(run->tenant, v->mac, context), password,
			      &run->node->extension_seal, &run->node->rand))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "password", "it cannot be sealed");
	return false;
}

static bool device_password_keep(struct command_run *run, struct device_value *v)
{
	const struct command_value *given = command_value(run, "password");

	if (!given->given)
		return true;
	explicit_bzero(v->password, sizeof(v->password));
	return bytes_is(given->text, "off") || device_password_seal(run, v, given->text);
}

static int device_password_open(struct node *n, uint16_t tenant, const struct device_value *v,
				char *out, size_t size)
{
	char context[DEVICE_CONTEXT_MAX];

	return form_secret_open(
		out, size, device_context(tenants_name(n->common.tenants, tenant), v->mac, context),
		v->password, &n->extension_seal);
}

void device_password_read(struct node *n, uint16_t tenant, const char *mac, char *out, size_t size)
{
	const struct device_entry *d = device_of(tenant, bytes_str(mac));
	struct device_value v;

	if (!d || !device_read(n, d, &v) || device_password_open(n, tenant, &v, out, size))
		out[0] = '\0';
}

static int device_secret(struct node *n, uint16_t tenant, const struct device_value *v,
			 struct digest_secret *out)
{
	char password[DEVICE_PASSWORD_MAX];
	int err = device_password_open(n, tenant, v, password, sizeof(password));

	if (!err)
		digest_secret_make(out, bytes_str(v->mac), bytes_str(document_realm(n, tenant)),
				   bytes_str(password));
	explicit_bzero(password, sizeof(password));
	return err;
}

bool device_password_fits(const struct node *n, const struct device_entry *d, const char *password)
{
	const struct device_account *account = device_accounts_find(
		&n->common.shared_tables->devices, d->tenant, bytes_str(d->mac));
	struct digest_secret made;
	bool fits;

	if (!account)
		return false;
	digest_secret_make(&made, bytes_str(d->mac), bytes_str(document_realm(n, d->tenant)),
			   bytes_str(password));
	fits = !CRYPTO_memcmp(&made, &account->secret, sizeof(made));
	explicit_bzero(&made, sizeof(made));
	return fits;
}

/* ---- the extension of a device ---- */

static bool login_is_over(const struct node *n, const struct device_entry *d)
{
	const struct device_login *l = &d->login;

	return l->user[0] && (l->displaced || (l->logout_ms && l->logout_ms <= clock_utc_ms()) ||
			      !extensions_has(n->api.extensions, d->tenant, bytes_str(l->user)));
}

static bool has_one_phone(const struct node *n, uint16_t tenant, const char *number)
{
	struct extension e;
	bool one = extensions_find(n->api.extensions, tenant, bytes_str(number), &e) &&
		   e.core.single_phone;

	extension_wipe(&e);
	return one;
}

/* Another device at which that extension is logged in; the one of the last login. */
static struct device_entry *login_of(struct node *n, uint16_t tenant, const char *user,
				     const struct device_entry *but)
{
	struct device_entry *d, *last = NULL;
	uint32_t cursor = 0;

	while (user[0] && (d = device_next(&cursor)) != NULL) {
		while (d && d->tenant != tenant)
			d = d->next;
		if (d && d != but && d->login.own && !strcmp(d->login.user, user) &&
		    !login_is_over(n, d) && (!last || d->login.login_ms > last->login.login_ms))
			last = d;
	}
	return last;
}

/* Whether the login of a is later. With equal epochs the MAC decides, on all nodes alike. */
static bool login_is_later(const struct device_entry *a, const struct device_entry *b)
{
	return a->login.login_ms != b->login.login_ms ? a->login.login_ms > b->login.login_ms
						      : strcmp(a->mac, b->mac) > 0;
}

/* Tells the shards which extension has the phone now. 0, -ENOSPC or -ENOMEM. */
static int login_settle(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;
	const char *number = l->user[0] && !login_is_over(n, d) ? l->user : l->base;
	const struct device_account *known =
		device_accounts_find(device_accounts(n), d->tenant, bytes_str(d->mac));
	struct device_account account;
	int err;

	if (!known || !strcmp(l->number, number))
		return 0;
	account = *known;
	(void)bytes_cstr(bytes_str(number), account.number, sizeof(account.number));
	(void)bytes_cstr(bytes_str(number), l->number, sizeof(l->number));
	err = device_accounts_put(device_accounts(n), &account);
	explicit_bzero(&account, sizeof(account));
	return err;
}

/* Ends the login, and asks the phone to read its files again. */
static void device_login_end(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;

	if (l->again_ns)
		return;
	(void)bytes_cstr(bytes_str(l->user), l->former, sizeof(l->former));
	l->again_ns = clock_now_ns() + LOGIN_AGAIN_NS + rand_u64_from(&n->rand) % LOGIN_AGAIN_NS;
	(void)login_settle(n, d);
	device_sync_want(d, clock_utc_ms());
}

/* Ends the earlier of two logins of an extension that has one phone alone. */
static void login_displace(struct node *n, struct device_entry *d)
{
	struct device_entry *other = has_one_phone(n, d->tenant, d->login.user)
					     ? login_of(n, d->tenant, d->login.user, d)
					     : NULL;

	d->login.unchecked = false;
	if (!other)
		return;
	if (login_is_later(other, d))
		other = d;
	other->login.displaced = true;
	device_login_end(n, other);
}

int device_login_apply(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct device_account account = { .tenant = d->tenant, .location = v->location };
	struct device_login *l = &d->login;
	bool again = l->login_ms == v->login_utc_ms && !strcmp(l->user, v->user);
	int err;
	struct bytes list = bytes_str(v->extensions), first = { 0 };

	(void)bytes_cut(&list, ',', &first);
	*l = (struct device_login){ .own = v->password[0],
				    .displaced = again && l->displaced,
				    .login_ms = v->login_utc_ms,
				    .logout_ms = v->logout_utc_ms,
				    .again_ns = again ? l->again_ns : 0 };
	(void)bytes_cstr(first, l->base, sizeof(l->base));
	if (!l->own) {
		memcpy(l->number, l->base, sizeof(l->number));
		device_accounts_delete(device_accounts(n), d->tenant, bytes_str(d->mac));
		return 0;
	}
	(void)bytes_cstr(bytes_str(v->user), l->user, sizeof(l->user));
	(void)bytes_cstr(bytes_str(v->former), l->former, sizeof(l->former));
	(void)bytes_cstr(bytes_str(d->mac), account.name, sizeof(account.name));
	err = device_secret(n, d->tenant, v, &account.secret);
	if (err) {
		LOG_ERROR("provision", 0,
			  "a device's password was sealed with other keys: give it again",
			  LOG_STR("mac", d->mac));
		l->own = false;
		return 0;
	}
	err = device_accounts_put(device_accounts(n), &account);
	explicit_bzero(&account, sizeof(account));
	if (!err)
		err = login_settle(n, d);
	l->unchecked = l->user[0];
	if (!err && l->unchecked && n->api.documents->keep.loaded)
		login_displace(n, d);
	return err;
}

void device_login_forget(struct node *n, struct device_entry *d)
{
	if (n->common.shared_tables)
		device_accounts_delete(device_accounts(n), d->tenant, bytes_str(d->mac));
}

static void login_on_ended(json_t *answer, void *arg)
{
	(void)arg;
	json_decref(answer);
}

/* Deletes the login from the document. One node does it. */
static void login_delete(struct node *n, struct device_entry *d)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = "node" };
	json_t *args = json_pack("{s:s, s:I}", "mac", d->mac, "login_utc_ms",
				 (json_int_t)d->login.login_ms);
	char id[COMMAND_ID_MAX];

	(void)bytes_cstr(bytes_str(tenants_name(n->common.tenants, d->tenant)), who.tenant,
			 sizeof(who.tenant));
	(void)snprintf(id, sizeof(id), "logout %s %llx", d->mac,
		       (unsigned long long)rand_u64_from(&n->rand));
	command_start(n, &who, BYTES_LIT("device.logout"), bytes_str(id), args, login_on_ended,
		      NULL);
	json_decref(args);
}

void device_login_beat(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	if (!d->login.own)
		return;
	if (d->login.unchecked && g_checked_ns != now_ns) {
		g_checked_ns = now_ns;
		login_displace(n, d);
	}
	if (!login_is_over(n, d))
		return;
	device_login_end(n, d);
	if (d->login.again_ns > now_ns)
		return;
	d->login.again_ns = now_ns + 30 * LOGIN_AGAIN_NS;
	login_delete(n, d);
}

void device_login_synced(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;

	if (l->own && l->former[0] && strcmp(l->former, l->number) != 0)
		locations_device_left(n->common.locations, d->tenant, bytes_str(l->former),
				      device_mac(bytes_str(d->mac)), clock_instant());
}

/* ---- commands ---- */

static void device_user_is(struct device_value *v, const char *user, uint64_t hours)
{
	uint64_t now = clock_utc_ms();

	memcpy(v->former, v->user, sizeof(v->former));
	if (!v->user[0])
		(void)bytes_cstr(bytes_str(v->extensions), v->former, sizeof(v->former));
	(void)bytes_cstr(bytes_str(user), v->user, sizeof(v->user));
	v->login_utc_ms = now > v->login_utc_ms ? now : v->login_utc_ms + 1;
	v->logout_utc_ms = hours ? now + hours * HOUR_MS : 0;
}

/* Ends the run: why nobody logs in there. Returns false. */
static bool device_login_refuse(struct command_run *run, const char *mac,
				enum command_error_code code, const char *member, const char *why,
				const char *reason)
{
	const struct command_value *number = command_value(run, "number");

	LOG_WARN("provision", 0, "login at a device refused", LOG_STR("mac", mac),
		 LOG_STR("reason", reason));
	device_event(run->node, SIG_DEVICE_REFUSED, document_tenant(run), mac, number->text,
		     reason);
	command_fail(run, code, member, "%s", why);
	return false;
}

static bool device_login_make(struct command_run *run, struct device_value *v)
{
	struct bytes number = command_value(run, "number")->text;
	bool take = command_value(run, "take")->number;
	uint16_t tenant = document_tenant(run);
	char user[DEVICE_NUMBER_MAX];

	if (bytes_cstr(number, user, sizeof(user)) ||
	    !extensions_has(run->node->api.extensions, tenant, number))
		return device_login_refuse(run, v->mac, COMMAND_NOT_FOUND, "number",
					   COMMAND_NO_EXTENSION, "no extension");
	if (!v->password[0])
		return device_login_refuse(run, v->mac, COMMAND_BAD_ARGUMENT, "mac",
					   "the device has no password of its own: device.put",
					   "device");
	if (!take && has_one_phone(run->node, tenant, user) &&
	    login_of(run->node, tenant, user, device_of(tenant, bytes_str(v->mac))))
		return device_login_refuse(
			run, v->mac, COMMAND_CONFLICT, "number",
			"it has one phone, and is logged in at another device: take=true",
			"in use");
	if (strcmp(v->user, user) != 0 || v->logout_utc_ms)
		device_user_is(v, user, command_value(run, "hours")->number);
	return true;
}

static bool device_logout_make(struct command_run *run, struct device_value *v)
{
	const struct command_value *of = command_value(run, "login_utc_ms"),
				   *number = command_value(run, "number");

	if (number->given && !bytes_is(number->text, v->user)) {
		command_fail(run, COMMAND_CONFLICT, "number", "it is not logged in there");
		return false;
	}
	if (v->user[0] && (!of->given || of->number == v->login_utc_ms))
		device_user_is(v, "", 0);
	return true;
}

static void device_menu_random(struct command_run *run, struct device_value *v)
{
	(void)snprintf(v->menu_password, sizeof(v->menu_password), "%05u",
		       (unsigned)(rand_u64_from(&run->node->rand) % 100000));
}

static void device_menu_make(struct command_run *run, struct device_value *v, bool is_new)
{
	char family[DEVICE_FAMILY_MAX];

	device_family(v, family);
	if (!strcmp(v->menu_password, "random") ||
	    (is_new && !command_value(run, "menu_password")->given &&
	     !strcmp(family, "polycom-8.5")))
		device_menu_random(run, v);
}

/* A phone that no document names, or that was reset, calls to log in. */
static bool device_bare_make(struct command_run *run, struct device_value *v, bool there)
{
	char password[BARE_PASSWORD + 1];
	bool sealed;

	if (!there) {
		memset(v, 0, sizeof(*v));
		g_device_form.begin(v, command_value(run, "mac")->text);
		device_menu_random(run, v);
	}
	if (!bare_adopt(run, v, there, password))
		return device_login_refuse(run, v->mac, COMMAND_BAD_ARGUMENT, "bare",
					   "it is the phone of another one", "bare");
	sealed = device_password_seal(run, v, bytes_str(password));
	explicit_bzero(password, sizeof(password));
	return sealed;
}

bool device_make(struct command_run *run, void *value)
{
	struct device_value *v = value;
	bool login = !strcmp(run->command->name, "device.login");
	struct device_value former = { 0 };
	struct bytes mac = command_value(run, "mac")->text;
	bool there = document_stored(run->node, run->tenant, &g_device_documents, mac, &former);

	if (login || !strcmp(run->command->name, "device.logout")) {
		bool bare = login && command_value(run, "bare")->given;

		if (!there && !bare)
			return document_missing(run, &g_device_documents);
		*v = former;
		if (bare && !device_bare_make(run, v, there))
			return false;
		v->changed_utc_ms = clock_utc_ms();
		return login ? device_login_make(run, v) : device_logout_make(run, v);
	}
	if (!document_form_make(run, &g_device_documents, v) || !device_password_keep(run, v))
		return false;
	device_menu_make(run, v, !there);
	if (there && strcmp(former.user, v->user) != 0) {
		char user[DEVICE_NUMBER_MAX];

		memcpy(user, v->user, sizeof(user));
		memcpy(v->user, former.user, sizeof(user));
		device_user_is(v, user, 0);
	}
	return true;
}

void device_user_event(const struct command_run *run, const struct device_value *v)
{
	struct sig_event event = { .kind = SIG_DEVICE_USER };

	event_put_str(&event, EV_DEVICE, v->mac);
	event_put_str(&event, EV_NUMBER, v->user[0] ? v->user : v->former);
	event_put_str(&event, EV_STATE, v->user[0] ? "in" : "out");
	node_event(run->node, run->tenant, &event);
}

void command_device_login(struct command_run *run)
{
	if (device_normalize(run))
		document_put(run);
}

static json_t *mine_json(const struct device_entry *d, const struct device_value *v)
{
	const struct device_login *l = &d->login;
	bool logged_in = l->user[0] && !strcmp(l->user, l->number);

	return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:b}", "mac", d->mac, "model",
			 v->model, "logged_in", logged_in, "login_utc_ms",
			 (json_int_t)(logged_in ? l->login_ms : 0), "logout_utc_ms",
			 (json_int_t)l->logout_ms, "fetched_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_FETCHED], "registered_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_REGISTERED], "synced_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_SYNCED], "waits", d->sync_ms != 0);
}

/* Those of its first line; what other nodes have seen of them is there the next time. */
void command_device_mine(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;
	json_t *list = json_array();
	struct device_entry *d;
	struct device_value v;
	uint32_t cursor = 0;

	while ((d = device_next(&cursor)) != NULL) {
		while (d && d->tenant != document_tenant(run))
			d = d->next;
		if (!d || !bytes_is(number, d->login.number) || !device_read(run->node, d, &v))
			continue;
		device_seen_refresh(run->node, d);
		(void)json_array_append_new(list, mine_json(d, &v));
	}
	command_answer(run, list);
}
