/* SPDX-License-Identifier: Apache-2.0 */
/* What the file of each node sets (setting.list). Control thread. */
#ifndef APP_FEATURE_SETTING_SETTING_H
#define APP_FEATURE_SETTING_SETTING_H

#include "app/schema/command.h"

command_fn command_setting_list;

#endif
