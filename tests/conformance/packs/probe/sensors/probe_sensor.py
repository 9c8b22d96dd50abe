"""Says once that it has started, and whether anybody set a key."""

from st2reactor.sensor.base import PollingSensor


class ProbeSensor(PollingSensor):
    """Dispatches one good trigger for each new value of a key, and one bad one at the start."""

    def setup(self):
        self._logger = self.sensor_service.get_logger("probe")
        self._said = None
        self.sensor_service.dispatch("probe.strict", {"wrong": 1})

    def poll(self):
        word = self.sensor_service.get_value("probe_sensor_word", local=False) or self.config["greeting"]
        if word != self._said:
            self.sensor_service.dispatch("probe.ticked", {"word": word}, trace_tag="probe-tick")
            self.sensor_service.set_value("said", word)
            self._said = word

    def cleanup(self):
        pass

    def add_trigger(self, trigger):
        pass

    def update_trigger(self, trigger):
        pass

    def remove_trigger(self, trigger):
        pass
