/* SPDX-License-Identifier: Apache-2.0 */
/* The row of provisioning in the list of features, with the commands of devices. */

#include "app/command/table/table.h"
#include "app/feature/provision/device.h"

#define MAC_ARG                                                                 \
	TEXT_ARG("mac", CHARSET_PLACES, PHONE_MAC_LEN, PHONE_MAC_LEN + 5, NULL, \
		 "MAC of the phone, as in device.put.", .required = true)
static const struct command_arg g_device_args[] = { MAC_ARG, END };

static const struct command g_device_commands[] = {
	{ "device.put", COMMAND_FOR_ADMIN, g_device_fields,
	  "Makes a phone that fetches its files from the node, or changes the given fields. The "
	  "phone reads them when it boots: docs/guides/phones.md.",
	  "the device; warnings, such as of a model that is not known", BY(command_device_put),
	  .documents = BY(&g_device_documents) },
	{ "device.get", COMMAND_FOR_READER, g_device_args,
	  "Shows a device, and what was seen of it: when it asked for its files last, was "
	  "accepted, had fetched a revision, and registered with one. 0: never.",
	  "changed_utc_ms, seen (asked_utc_ms, accepted_utc_ms, fetched_utc_ms, registered_utc_ms, "
	  "synced_utc_ms, revision, registered_revision, user_agent)",
	  BY(command_device_get), .documents = BY(&g_device_documents), .shows = g_device_fields },
	{ "device.delete", COMMAND_FOR_ADMIN, g_device_args,
	  "Deletes a device: its phone gets no files any more, and keeps those that it has.", "mac",
	  BY(command_device_delete), .documents = BY(&g_device_documents) },
	{ "device.list", COMMAND_FOR_READER, g_no_args, "Lists devices by MAC.",
	  "a list of devices", BY(command_document_list), .documents = BY(&g_device_documents),
	  .columns = "mac,make,model,extensions,location" },
	{ "device.sync", COMMAND_FOR_APPLICATION, g_device_args,
	  "Asks the phone of a device to look for other files (check-sync): behind its calls, once "
	  "it is registered, for up to 12 hours. device.put does so, too. device.get says when it "
	  "was asked, and what it has fetched since.",
	  "mac", BY(command_device_sync), .documents = BY(&g_device_documents) },
	{ .name = NULL },
};

#ifndef ROWS_ALONE
static void provision_second(struct node *n, uint64_t now_ns)
{
	device_seen_beat(n, now_ns);
	device_uploads_beat(now_ns);
}
#endif

const struct app_feature g_provision_feature = {
	.name = "provision",
	.commands = g_device_commands,
	.documents = KINDS(&g_device_documents),
	.listen = BY(provision_listen),
	.second = BY(provision_second),
	.picked = BY(device_sync_on_picked),
	.reload = BY(provision_reload),
	.close = BY(provision_close),
};
