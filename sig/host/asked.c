/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/asked.h"

#include <assert.h>

const char *call_state_name(enum call_state state)
{
	switch (state) {
	case CALL_SETUP:
		return "setup";
	case CALL_RINGING:
		return "ringing";
	case CALL_ANSWERING:
		return "answering";
	case CALL_ESTABLISHED:
		return "established";
	case CALL_ENDING:
		return "ending";
	}
	assert(false && "a state without a name");
	return "";
}
