package org.tformer.demo.models

import org.json.JSONException
import org.json.JSONObject

/**
 * What is known of a bundled classifier's scores (android_demo/calibration, which calibrate.py makes): the contract has no place for it.
 *
 * @property temperature what its logits are divided by. @property notSureBelow the probability below which its answer is no answer.
 */
class Calibration(val temperature: Double, val notSureBelow: Double) {
    companion object {
        const val SUFFIX = ".calibration.json"

        /** Null for what is no calibration. */
        fun parse(text: String): Calibration? = try {
            JSONObject(text).let { Calibration(it.getDouble("temperature"), it.getDouble("not_sure_below")) }
                .takeIf { it.temperature > 0 && it.notSureBelow in 0.0..1.0 }
        } catch (_: JSONException) {
            null
        }
    }
}
