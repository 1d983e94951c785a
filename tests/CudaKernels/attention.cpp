#include "check.h"
void check_attention() {}
