/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_LIVE_LIVE_METRIC_H
#define APP_LIVE_LIVE_METRIC_H

#include <stdint.h>

void live_metric_setup(void);
void live_metric_streams(uint32_t n);
void live_metric_connected(void);
void live_metric_lost(void);
void live_metric_failed(void);
void live_metric_missed(uint64_t frames);

#endif
