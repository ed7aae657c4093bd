/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of contacts and of a tenant's directory, whose rows are in contact_rows.c. */
#ifndef APP_FEATURE_CONTACT_CONTACTS_H
#define APP_FEATURE_CONTACT_CONTACTS_H

#include "app/schema/command.h"

enum { CONTACT_SEARCH_MAX = 64 };

command_fn command_directory_list;

#endif
