/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all numbers of a tenant: what claims each, and what it means when it is dialled.
 * Control thread. */
#ifndef APP_FEATURE_NUMBERS_NUMBERS_H
#define APP_FEATURE_NUMBERS_NUMBERS_H

#include "app/schema/command.h"

command_fn command_numbers_list;

#endif
