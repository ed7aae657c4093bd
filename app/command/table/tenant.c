/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants, and what is theirs: numbers, locations, rooms, routes and trunks. */
#include "app/command/table/table.h"
#include "app/document/location_field.h"
#include "app/document/room_field.h"
#include "app/document/route_field.h"
#include "app/document/tenant_field.h"
#include "app/document/trunk_field.h"

static const struct command_arg g_status_args[] = { NODE_ARG, END };

#define TENANT_ARG(text)                                                                       \
	{                                                                                      \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = TENANT_NAME_MAX - 1, .help = (text)                           \
	}
static const struct command_arg g_tenant_args[] = { TENANT_ARG("Name of the tenant."), END };

#define DID_ARG(what, needed, text)                                                                \
	{                                                                                          \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_PATTERN,                    \
		.required = (needed), .min = (needed), .max = TRUNK_NUMBER_MAX - 1, .help = (text) \
	}
static const struct command_arg g_did_args[] = {
	DID_ARG("number", true, "Number or pattern, as it was put."),
	END,
};
static const struct command_arg g_did_list_args[] = {
	DID_ARG("after", false, "Begin behind this number: the last one of the page before."),
	LIMIT_ARG,
	END,
};

#undef FIELD_OF
#define FIELD_OF struct location_value
static const struct command_arg g_location_args[] = {
	KEY_FIELD("id", id, CHARSET_DIGITS, "Id of the location."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct room_value
static const struct command_arg g_room_args[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER, "Number of the room."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct route_value
static const struct command_arg g_route_args[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the route."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct trunk_value
static const struct command_arg g_trunk_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the trunk."),
	END,
};
#undef FIELD_OF

const struct command g_tenant_commands[] = {
	{ "tenant.put", COMMAND_FOR_OPERATOR, g_tenant_fields,
	  "Makes a tenant, or changes what is given of it. Equal numbers of two tenants never "
	  "meet.",
	  "the tenant", BY(document_put), .documents = BY(&g_tenant_documents) },
	{ "tenant.show", COMMAND_FOR_OPERATOR, g_tenant_args, "Shows a tenant.", "changed_utc_ms",
	  BY(command_tenant_show), .shows = g_tenant_fields },
	{ "tenant.delete", COMMAND_FOR_OPERATOR, g_tenant_args,
	  "Deletes a tenant that has no documents.", "name", BY(document_delete),
	  .documents = BY(&g_tenant_documents) },
	{ "tenant.list", COMMAND_FOR_OPERATOR, g_no_args, "Lists tenants; default is always there.",
	  "a list of tenants", BY(command_tenant_list) },
	{ "tenant.status", COMMAND_FOR_READER, g_status_args,
	  "Shows the tenant of whoever asks, and what it has on a node.",
	  "name, realm (of passwords), role (of whoever asks), calls, registrations, extensions, "
	  "subscriptions, trunks, dids, routes, locations, rooms, and max_calls and so on for each "
	  "of "
	  "them (its quotas; 0: any number)",
	  BY(command_tenant_status) },
	{ "did.put", COMMAND_FOR_ADMIN, g_did_fields,
	  "Says whom a number means that a trunk calls. A number counts before patterns, the more "
	  "exact pattern before the others.",
	  "the number; warnings, of a pattern that hardly means what it says, or a trunk that is "
	  "not there",
	  BY(document_put), .documents = BY(&g_did_documents) },
	{ "did.show", COMMAND_FOR_READER, g_did_args, "Shows whom a number means.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_did_documents),
	  .shows = g_did_fields },
	{ "did.delete", COMMAND_FOR_ADMIN, g_did_args,
	  "Deletes a number: trunks that call it get 404.", "number", BY(document_delete),
	  .documents = BY(&g_did_documents) },
	{ "did.list", COMMAND_FOR_READER, g_did_list_args, "Lists numbers.", "a list of numbers",
	  BY(document_list), .documents = BY(&g_did_documents) },
	{ "location.put", COMMAND_FOR_ADMIN, g_location_fields,
	  "Makes a location where phones stand, or changes what is given of it. It is told by the "
	  "next emergency call from there.",
	  "the location", BY(document_put), .documents = BY(&g_location_documents) },
	{ "location.show", COMMAND_FOR_READER, g_location_args, "Shows a location.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_location_documents),
	  .shows = g_location_fields },
	{ "location.delete", COMMAND_FOR_ADMIN, g_location_args, "Deletes a location.", "id",
	  BY(document_delete), .documents = BY(&g_location_documents) },
	{ "location.list", COMMAND_FOR_READER, g_no_args, "Lists locations by id.",
	  "a list of locations", BY(document_list), .documents = BY(&g_location_documents) },
	{ "room.put", COMMAND_FOR_ADMIN, g_room_fields,
	  "Makes a room for conferences that is dialled, or changes what is given of it. Who is in "
	  "it stays.",
	  "the room", BY(document_put), .documents = BY(&g_room_documents) },
	{ "room.show", COMMAND_FOR_READER, g_room_args, "Shows a room. Its PINs are never shown.",
	  "changed_utc_ms, has_pin, has_host_pin, and pins_valid (false: they were sealed with "
	  "other keys, and nobody comes in until they are put again)",
	  BY(document_show), .documents = BY(&g_room_documents), .shows = g_room_fields },
	{ "room.delete", COMMAND_FOR_ADMIN, g_room_args,
	  "Deletes a room: nobody comes in any more. Who is in it stays.", "number",
	  BY(document_delete), .documents = BY(&g_room_documents) },
	{ "room.list", COMMAND_FOR_READER, g_no_args, "Lists rooms by number.", "a list of rooms",
	  BY(document_list), .documents = BY(&g_room_documents),
	  .columns = "number,name,max_members,wait_for_host,locked,record,factory" },
	{ "route.put", COMMAND_FOR_ADMIN, g_route_fields,
	  "Makes a route by which calls go out, or changes what is given of it.",
	  "the route; warnings, of a pattern that hardly means what it says, as +4420. does, or "
	  "a trunk that is not there",
	  BY(document_put), .documents = BY(&g_route_documents) },
	{ "route.show", COMMAND_FOR_READER, g_route_args, "Shows a route.", "changed_utc_ms",
	  BY(document_show), .documents = BY(&g_route_documents), .shows = g_route_fields },
	{ "route.delete", COMMAND_FOR_ADMIN, g_route_args, "Deletes a route. Its calls go on.",
	  "name", BY(document_delete), .documents = BY(&g_route_documents) },
	{ "route.list", COMMAND_FOR_READER, g_no_args, "Lists routes by name.", "a list of routes",
	  BY(document_list), .documents = BY(&g_route_documents) },
	{ "trunk.put", COMMAND_FOR_OPERATOR, g_trunk_fields,
	  "Makes a trunk of a tenant, or changes what is given of it. Calls that stand go on.",
	  "the trunk; warnings, of a pattern that hardly means what it says", BY(document_put),
	  .documents = BY(&g_trunk_documents) },
	{ "trunk.show", COMMAND_FOR_READER, g_trunk_args, "Shows a trunk.",
	  "changed_utc_ms, calls_in and calls_out (of this node, now), and up: of each server",
	  BY(document_show), .documents = BY(&g_trunk_documents), .shows = g_trunk_fields },
	{ "trunk.delete", COMMAND_FOR_OPERATOR, g_trunk_args, "Deletes a trunk. Its calls go on.",
	  "name", BY(document_delete), .documents = BY(&g_trunk_documents) },
	{ "trunk.list", COMMAND_FOR_READER, g_no_args, "Lists trunks by name.", "a list of trunks",
	  BY(document_list), .documents = BY(&g_trunk_documents),
	  .columns =
		  "name,enabled,direction,servers,transport,channels,calls_in,calls_out,access" },
	{ .name = NULL },
};
