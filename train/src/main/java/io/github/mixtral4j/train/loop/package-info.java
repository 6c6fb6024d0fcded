/// Runs a training: config in, checkpoints, metrics and a report out. Start with [TrainConfig#read] and
/// [Trainer]. Imported by the command line; never prints, and never knows how a model computes its gradients.
@NullMarked
package io.github.mixtral4j.train.loop;

import org.jspecify.annotations.NullMarked;
