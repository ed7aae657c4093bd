/* SPDX-License-Identifier: Apache-2.0 */
/* The row of provisioning in the list of features, with the commands of devices. */

#include "app/command/table/table.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_ftp.h"
#include "app/feature/provision/provision_settings.h"

#define MAC_ARG                                                                 \
	TEXT_ARG("mac", CHARSET_PLACES, PHONE_MAC_LEN, PHONE_MAC_LEN + 5, NULL, \
		 "MAC of the phone, as in device.put.", .required = true)
static const struct command_arg g_device_args[] = { MAC_ARG, END };
static const struct command_arg g_device_profile_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, DEVICE_PROFILE_MAX - 1, NULL, "Name of the profile.",
		 .required = true),
	END,
};
#define OWN_ARG(need)                                                                        \
	TEXT_ARG("number", CHARSET_NUMBER, 1, DEVICE_NUMBER_MAX - 1, NULL, "The extension.", \
		 .required = (need))
static const struct command_arg g_device_mine_args[] = { OWN_ARG(true), END };
static const struct command_arg g_device_login_args[] = {
	MAC_ARG,
	OWN_ARG(true),
	BOOL_ARG("take", "false",
		 "true: an extension that has one phone (phones=single), or is at another site, is "
		 "logged out of another."),
	TEXT_ARG("home", CHARSET_NAME, 1, TENANT_NAME_MAX - 1, NULL,
		 "The tenant of the extension, where that is another site (enterprise of "
		 "tenant.put). Flows give it, behind its PIN."),
	TEXT_ARG("bare", CHARSET_NAME, BARE_NAME, BARE_NAME, NULL,
		 "The name by which a phone has called that no document names. Flows give it: "
		 "the device is made then."),
	U64_ARG("hours", 0, 8760, "0", "The login ends by itself after so many hours. 0: never."),
	END,
};
#define CHANGED_ARG(text) BOOL_ARG("changed", "false", text)
static const struct command_arg g_device_list_args[] = {
	CHANGED_ARG("true: those alone of which the phone has other files than it would fetch now, "
		    "whichever document has changed since."),
	END,
};
static const struct command_arg g_device_roll_args[] = {
	CHANGED_ARG("true: those alone of which device.list changed=true tells, as each wave "
		    "begins; dry_run does not look."),
	TEXT_ARG("model", CHARSET_NAME, 1, DEVICE_MODEL_MAX - 1, NULL, "Devices of that model."),
	OWN_ARG(false),
	U64_ARG("wave", 1, 10000, "10", "So many phones at a time."),
	U64_ARG("failures", 0, 10000, "0",
		"So many may fail. Where one more does, no more are asked."),
	U64_ARG("seconds", 1, 3600, "300", "How long a phone may take, once it was asked."),
	BOOL_ARG("dry_run", "false", "true: nobody is asked; the answer says who would be."),
	BOOL_ARG("stop", "false",
		 "true: what this node was asked for ends. Who was away is asked no more, either."),
	END,
};
static const struct command_arg g_device_logout_args[] = {
	MAC_ARG,
	OWN_ARG(false),
	U64_ARG("login_utc_ms", 0, UINT64_MAX, NULL, "Only the login that began then."),
	END,
};

static const struct command g_device_commands[] = {
	{ "device.put", COMMAND_FOR_ADMIN, g_device_fields,
	  "Makes a phone that fetches its files from the node, or changes the given fields. The "
	  "phone reads them when it boots: docs/guides/phones.md.",
	  "the device; warnings, such as of a model that is not known", BY(command_device_put),
	  .documents = BY(&g_device_documents) },
	{ "device.get", COMMAND_FOR_READER, g_device_args,
	  "Shows a device, and what was seen of it: when it asked for its files last, was "
	  "accepted, had fetched a revision, and registered with one. 0: never.",
	  "changed_utc_ms, reset_needed (former_release says why), seen (asked_utc_ms, "
	  "accepted_utc_ms, fetched_utc_ms, registered_utc_ms, "
	  "synced_utc_ms, stale: it asks with a password that is right no more, revision, "
	  "registered_revision, user_agent, firmware, firmware_known: it "
	  "is "
	  "one that the files of its generation are for)",
	  BY(command_device_get), .documents = BY(&g_device_documents), .shows = g_device_fields },
	{ "device.delete", COMMAND_FOR_ADMIN, g_device_args,
	  "Deletes a device: its phone gets no files any more, and keeps those that it has.", "mac",
	  BY(command_device_delete), .documents = BY(&g_device_documents) },
	{ "device.list", COMMAND_FOR_READER, g_device_list_args,
	  "Lists devices by MAC, also those with phones that are away, with what was seen of each.",
	  "a list of devices, each with seen, as in device.get", BY(command_device_list),
	  .documents = BY(&g_device_documents), .columns = "mac,make,model,extensions,location" },
	{ "device.sync", COMMAND_FOR_APPLICATION, g_device_args,
	  "Asks the phone of a device to look for other files (check-sync): behind its calls, once "
	  "it is registered, for up to 12 hours. device.put does so, too. device.get says when it "
	  "was asked, and what it has fetched since.",
	  "mac", BY(command_device_sync), .documents = BY(&g_device_documents) },
	{ "device.roll", COMMAND_FOR_ADMIN, g_device_roll_args,
	  "Asks the phones of many devices to look for other files, in waves: those of a tenant, "
	  "or "
	  "of a model, or of an extension. A wave begins when each phone of the one before has "
	  "fetched its files, or has failed: it was asked, and did not come. Who is away, or in a "
	  "call, is asked later, unless it was stopped meanwhile. The node of the command does it, "
	  "and forgets it at its end.",
	  "devices: how many; macs: the first 500; last, of the one before: runs, stopped (too "
	  "many "
	  "failed, or stop=true), count, done, failed, away",
	  BY(command_device_roll) },
	{ "device.profile.put", COMMAND_FOR_ADMIN, g_device_profile_fields,
	  "Makes a profile of phones, or changes the given fields, and asks all phones of its "
	  "devices to look for other files (check-sync), each behind its calls, a hundred a "
	  "second.",
	  "the profile", BY(document_put), .documents = BY(&g_device_profile_documents) },
	{ "device.profile.get", COMMAND_FOR_READER, g_device_profile_args,
	  "Shows a profile of phones.", "changed_utc_ms", BY(document_show),
	  .documents = BY(&g_device_profile_documents), .shows = g_device_profile_fields },
	{ "device.profile.delete", COMMAND_FOR_ADMIN, g_device_profile_args,
	  "Deletes a profile of phones: its phones are asked, and are without one then.", "name",
	  BY(document_delete), .documents = BY(&g_device_profile_documents) },
	{ "device.profile.list", COMMAND_FOR_READER, g_no_args, "Lists profiles of phones by name.",
	  "a list of profiles of phones", BY(command_document_list),
	  .documents = BY(&g_device_profile_documents), .columns = "name,features_off" },
	{ "device.login", COMMAND_FOR_APPLICATION, g_device_login_args,
	  "Logs an extension in at a device that has a password of its own: its phone fetches "
	  "other files, and is a phone of that extension until it is logged out. At all nodes, and "
	  "over a restart. Phones do so by a flow (the verb device).",
	  "the device", BY(command_device_login), .documents = BY(&g_device_documents),
	  .shows = g_device_fields, .by_flow = true },
	{ "device.logout", COMMAND_FOR_APPLICATION, g_device_logout_args,
	  "Logs out who is logged in at a device: it is a phone of its own extension again. With "
	  "number only that one.",
	  "the device", BY(command_device_login), .documents = BY(&g_device_documents),
	  .shows = g_device_fields, .own = "number", .by_flow = true },
	{ "device.mine", COMMAND_FOR_READER, g_device_mine_args,
	  "Lists the devices that are phones of an extension now, with what was seen of each, as "
	  "in "
	  "device.get.",
	  "a list of mac, model, logged_in, login_utc_ms, logout_utc_ms, fetched_utc_ms, "
	  "registered_utc_ms, synced_utc_ms, waits (it is to look for files)",
	  BY(command_device_mine), .own = "number" },
	{ .name = NULL },
};

#ifndef ROWS_ALONE
static void provision_second(struct node *n, uint64_t now_ns)
{
	device_seen_beat(n, now_ns);
	device_uploads_beat(now_ns);
	device_roll_beat(n);
}
#endif

const struct app_feature g_provision_feature = {
	.name = "provision",
	.commands = g_device_commands,
	.documents = KINDS(&g_device_documents, &g_device_profile_documents),
	.children = CHILDREN(&g_ftp_child),
	.settings = &g_provision_settings,
	.listen = BY(provision_listen),
	.second = BY(provision_second),
	.picked = BY(device_sync_on_picked),
	.reload = BY(provision_reload),
	.close = BY(provision_close),
};
