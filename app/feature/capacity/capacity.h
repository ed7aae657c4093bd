/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what it has room for each node uses. Control thread. */
#ifndef APP_FEATURE_CAPACITY_CAPACITY_H
#define APP_FEATURE_CAPACITY_CAPACITY_H

#include "app/schema/command.h"

command_fn command_capacity_list;

#endif
