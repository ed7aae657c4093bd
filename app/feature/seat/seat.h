/* SPDX-License-Identifier: Apache-2.0 */
/* Seats: how many of each kind a tenant has, and how many are given (ADM-26). They are counted
 * where documents are (struct document_seat), so all nodes count the same. Control thread. */
#ifndef APP_FEATURE_SEAT_SEAT_H
#define APP_FEATURE_SEAT_SEAT_H

#include "app/schema/command.h"

command_fn command_seat_list;

#endif
