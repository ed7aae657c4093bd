/* SPDX-License-Identifier: Apache-2.0 */
/* After how many samples a signal looks most like itself. */
#ifndef DSP_PLC_PITCH_H
#define DSP_PLC_PITCH_H

#include <stdint.h>

struct plc_pitch {
	uint32_t period;   /* samples */
	float correlation; /* normalised: 1 where it repeats itself, 0 and below where it does not */
};

/* history: PLC_HISTORY_MS of it at that rate. */
struct plc_pitch plc_pitch_of(const int16_t *history, uint32_t rate);

#endif
