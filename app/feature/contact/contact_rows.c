/* SPDX-License-Identifier: Apache-2.0 */
/* The row of contacts in the list of features, with the commands of a tenant's directory. */

#include "app/command/table/table.h"
#include "app/feature/contact/contacts.h"

#define SEARCH_ARG                                                                            \
	TEXT_ARG("search", CHARSET_TEXT, 1, CONTACT_SEARCH_MAX - 1, NULL,                     \
		 "Only those with this text anywhere in a name or number, in small or large " \
		 "letters, with accents or without.")
static const struct command_arg g_directory_list_args[] = { SEARCH_ARG, END };

static const struct command g_contact_commands[] = {
	{ "directory.list", COMMAND_FOR_READER, g_directory_list_args,
	  "Lists the directory of the tenant, which each of its users sees: its extensions, but "
	  "for those with shown=false, by number.",
	  "a list: number, name (display_name, else first and last name), first_name, last_name, "
	  "department, title, mail, dids",
	  BY(command_directory_list), .own = "", .columns = "number,name,department,title,mail",
	  .transient = true,
	  LISTS("number", NULL, false, "name,first_name,last_name,department,title,mail,dids") },
	{ .name = NULL },
};

const struct app_feature g_contact_feature = {
	.name = "contact",
	.commands = g_contact_commands,
};
