#include "check.h"
void check_optimizer() {}
