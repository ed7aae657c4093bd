/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of phones over FTP, the node's end: it says who may log in, and what lies in the folder of
 * that account (ftp/ftp.h). An extension, or a device, logs in by its password as over HTTP, and
 * guesses count for both together; its folder has the files of all its phones. The account that the
 * make has told everybody sees a file without secrets, and firmware where unknown phones are
 * offered it.
 */
#include <stdio.h>
#include <string.h>

#include "app/child/child_link.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/ftp/ftp.h"
#include "app/feature/provision/phone_files.h"
#include "app/feature/provision/provision_facts.h"
#include "app/feature/provision/provision_ftp.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/settings/settings.h"
#include "app/web/web_route.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/shard/shard.h"

enum { FTP_PHONES_MAX = 16, FTP_KEPT_S = 900 };

static struct child g_ftp;

struct ftp_found {
	uint32_t count;
	struct device_entry *list[FTP_PHONES_MAX];
};

/* The device behind d with that first line, or with that MAC and a password of its own. */
static struct device_entry *ftp_device_next(struct bytes number, struct device_entry *d,
					    uint32_t *cursor)
{
	do
		d = d && d->next ? d->next : device_next(cursor);
	while (d && !bytes_is(number, d->login.own ? d->mac : d->login.base));
	return d;
}

/* A guess counts once for each tenant that has such a number. */
static void ftp_guessed(const struct node *n, struct shard *core, const struct web_routed *r,
			struct bytes number)
{
	bool counted[TENANTS_MAX] = { false };
	struct device_entry *d = NULL;
	uint32_t cursor = 0;
	uint64_t wait_ns = 0;

	if (!ftp_device_next(number, d, &cursor))
		(void)provision_proves(core, d, provision_tenant(n, r), number, r, &wait_ns);
	cursor = 0;
	while ((d = ftp_device_next(number, d, &cursor)) != NULL) {
		if (!counted[d->tenant])
			(void)provision_proves(core, d, d->tenant, number, r, &wait_ns);
		counted[d->tenant] = true;
	}
}

/* The password is proven for a device of one tenant, and those of that tenant are in found. */
static bool ftp_proves(struct node *n, const struct web_routed *r, struct bytes number,
		       struct ftp_found *found)
{
	struct device_entry *fits = NULL, *d = NULL;
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);
	uint64_t wait_ns = 0;

	cursor = 0; /* now of devices */
	do
		fits = ftp_device_next(number, fits, &cursor);
	while (fits &&
	       !(fits->login.own ? device_password_fits(n, fits, r->password)
				 : provision_password_fits(n, fits->tenant, number, r->password)));
	if (core && !fits)
		ftp_guessed(n, core, r, number);
	if (!core || !fits || !provision_proves(core, fits, fits->tenant, number, r, &wait_ns))
		return false;
	cursor = 0;
	while (found->count < FTP_PHONES_MAX && (d = ftp_device_next(number, d, &cursor)) != NULL) {
		if (d->tenant == fits->tenant && d->login.own == fits->login.own)
			found->list[found->count++] = d;
	}
	return true;
}

static void pair_add(json_t *list, const char *path, struct bytes text)
{
	(void)json_array_append_new(list,
				    json_pack("[s, o]", path,
					      json_stringn_nocheck((const char *)text.p, text.n)));
}

static void ftp_firmware_add(const struct node *n, const char *family, const char *folder,
			     json_t *list)
{
	char file[WEB_ROUTE_FILE_MAX], path[PHONE_FILE_NAME_MAX * 2];
	const char *name;

	for (uint32_t i = 0; (name = firmware_name(family, i)) != NULL; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (firmware_path(n, family, bytes_str(name), file, sizeof(file)))
			pair_add(list, path, bytes_str(file));
	}
}

/* Its files as a boot over HTTP has them: the first one names the others by their revision. */
static void ftp_phone_add(struct node *n, struct device_entry *d, const struct web_routed *r,
			  json_t *answer)
{
	static const char directory[] = "-directory.xml";
	json_t *list = json_object_get(answer, "files"),
	       *uploads = json_object_get(answer, "uploads");
	char path[WEB_ROUTE_FILE_MAX], name[PHONE_FILE_NAME_MAX], family[DEVICE_FAMILY_MAX];
	struct phone_files *files = NULL;
	const char *end;
	struct device_value v;

	if (device_read(n, d, &v))
		files = provision_render(n, d->login.of, &v, r, false);
	if (!files)
		return;
	(void)bytes_cstr(bytes_sub(bytes_str(r->host), 0, DEVICE_ASKED_MAX - 1), d->seen.host,
			 sizeof(d->seen.host));
	device_saw(d, DEVICE_ASKED, clock_utc_ms());
	device_saw(d, DEVICE_ACCEPTED, clock_utc_ms());
	device_family(&v, family);
	for (uint32_t i = 0; i < files->count; i++) {
		const struct phone_file *f = &files->list[i];

		(void)snprintf(path, sizeof(path), "%s-%s/%s", d->mac, files->revision, f->name);
		if (!phone_file_is_first(family, bytes_str(f->name)))
			pair_add(list, path, f->text);
		if (phone_file_is_first(family, bytes_str(f->name)) ||
		    !strcmp(f->name + strlen(d->mac), directory))
			pair_add(list, f->name, f->text);
	}
	phone_files_free(files);
	for (uint32_t i = 0; (end = device_upload_name(i)) != NULL; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", d->mac, end);
		if (device_upload_path(n, d, bytes_str(name), path, sizeof(path)))
			(void)json_object_set_new(uploads, name, json_string(path));
	}
	(void)snprintf(name, sizeof(name), "%s-firmware", d->mac);
	if (v.firmware)
		ftp_firmware_add(n, family, name, json_object_get(answer, "firmware"));
}

static json_t *ftp_answer(const char *account, bool closed)
{
	return json_pack("{s:s, s:b, s:[], s:[], s:{}}", "account", account, "closed", (int)closed,
			 "files", "firmware", "uploads");
}

/* NULL: it may not log in. */
static json_t *ftp_public(const struct node *n)
{
	json_t *answer = ftp_answer("public", true);
	bool firmware = provision_settings_of(n->settings)->firmware_unknown;

	pair_add(json_object_get(answer, "files"), "000000000000.cfg",
		 phone_files_default(firmware && firmware_has_application("polycom-8.5")
					     ? PHONE_DEFAULT_UPGRADE
					     : PHONE_DEFAULT_NONE));
	if (firmware)
		ftp_firmware_add(n, "polycom-8.5", "bare-firmware",
				 json_object_get(answer, "firmware"));
	return answer;
}

static json_t *ftp_login(struct node *n, const struct web_routed *r)
{
	struct ftp_found found = { 0 };
	char account[TENANT_NAME_MAX + DEVICE_NUMBER_MAX + 1], own[PHONE_MAC_LEN + 1];
	struct bytes number;
	uint16_t location;
	json_t *answer;

	if (!provision_source_is_admitted(n, r))
		return NULL;
	if (!strcmp(r->user, FACTORY_LOGIN))
		return strcmp(r->password, FACTORY_LOGIN) ? NULL : ftp_public(n);
	(void)located_user_split(bytes_str(r->user), &number, &location);
	if (device_mac_read(number, own))
		number = bytes_str(own);
	if (!ftp_proves(n, r, number, &found))
		return NULL;
	(void)snprintf(account, sizeof(account), "%s+" BYTES_FMT,
		       tenants_name(n->common.tenants, found.list[0]->tenant), BYTES_ARG(number));
	answer = ftp_answer(account, false);
	for (uint32_t i = 0; i < found.count; i++)
		ftp_phone_add(n, found.list[i], r, answer);
	return answer;
}

/* A file of a revision: "MAC-REVISION/NAME" of an account "TENANT+NUMBER". */
static void ftp_on_read(struct node *n, const char *account, const char *path)
{
	struct bytes rest = bytes_str(path), hash, mac;
	struct device_entry *d;

	if (!bytes_cut(&rest, '/', &hash) || hash.n <= PHONE_MAC_LEN)
		return;
	mac = bytes_sub(hash, 0, PHONE_MAC_LEN);
	for (d = device_find(mac); d; d = d->next) {
		const char *tenant = tenants_name(n->common.tenants, d->tenant);
		size_t len = strlen(tenant);
		struct device_value v;
		char family[DEVICE_FAMILY_MAX];

		if (strncmp(account, tenant, len) != 0 || account[len] != '+' ||
		    !device_read(n, d, &v))
			continue;
		device_family(&v, family);
		provision_given(d, bytes_from(hash, PHONE_MAC_LEN + 1), family, rest);
		return;
	}
}

static void ftp_on_line(struct node *n, const json_t *line)
{
	static struct web_routed r;
	const char *path = json_text(line, "read");
	json_t *answer;

	if (path[0]) {
		ftp_on_read(n, json_text(line, "account"), path);
		return;
	}
	r = (struct web_routed){ 0 };
	(void)snprintf(r.user, sizeof(r.user), "%s", json_text(line, "user"));
	(void)snprintf(r.password, sizeof(r.password), "%s", json_text(line, "password"));
	(void)snprintf(r.host, sizeof(r.host), "%s", json_text(line, "host"));
	if (addr_parse(&r.peer, bytes_str(json_text(line, "peer"))))
		r.peer = (struct addr){ 0 };
	answer = ftp_login(n, &r);
	if (!answer)
		answer = json_object();
	(void)json_object_set(answer, "login", json_object_get(line, "login"));
	child_send(&g_ftp, answer);
	explicit_bzero(&r, sizeof(r));
}

static void ftp_folder(const struct node *n, char out[SETTINGS_STATE_DIR_MAX + sizeof("/ftp")])
{
	(void)snprintf(out, SETTINGS_STATE_DIR_MAX + sizeof("/ftp"), "%s/ftp",
		       n->settings->node.state_dir);
}

void provision_ftp_forget(const struct node *n)
{
	char folder[SETTINGS_STATE_DIR_MAX + sizeof("/ftp")];

	ftp_folder(n, folder);
	ftp_folders_empty(folder);
}

static bool ftp_is_wanted(struct node *n)
{
	return provision_settings_of(n->settings)->ftp;
}

static void ftp_on_start(struct node *n)
{
	char folder[SETTINGS_STATE_DIR_MAX + sizeof("/ftp")];

	ftp_folder(n, folder);
	child_send(&g_ftp,
		   json_pack("{s:{s:s, s:i}}", "begin", "folder", folder, "kept_s", FTP_KEPT_S));
}

const struct child_kind g_ftp_child = {
	.child = &g_ftp,
	.program = "tandem-ftp",
	.area = "provision",
	.missing = "nobody can log in by FTP: tandem-ftp cannot be started; it belongs into the "
		   "folder of tandemd",
	.ended = "tandem-ftp has ended: it is started again",
	.died = "tandem-ftp has ended",
	.late = "tandem-ftp does not answer in time",
	.metrics = { [CHILD_UP] = { "tandem_ftp_up", "1 while tandem-ftp runs." },
		     [CHILD_DEATHS] = { "tandem_ftp_deaths_total",
					"Times that tandem-ftp ended by itself." } },
	.requests_max = 1,
	.of_tenant_max = 1,
	.again_ns = 200 * NS_PER_MS,
	.stops = node_is_stopping,
	.wanted = ftp_is_wanted,
	.on_start = ftp_on_start,
	.on_line = ftp_on_line,
};
