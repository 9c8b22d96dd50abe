"""The parameters of an action's execution: rendered when it is asked for, complete when it runs."""

from __future__ import annotations

from dataclasses import dataclass

from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine.execution import Execution
from st2local.parameters import Rendering, render_final, render_live
from st2local.templates import Templates
from st2local.values import Values


@dataclass
class ActionParameters:
    """Renders parameters by the schemas of an action and its runner."""

    _registry: Registry
    _templates: Templates
    _configs: Configs

    def live(self, action: Resource, given: Values, context: Values, extra: Values | None = None) -> Values:
        """Return the given parameters, rendered and cast; raises ParamError."""
        config = self._configs.get_or_empty(context.get("pack"), context.get("user"))
        rendering = Rendering(self._templates, context, config, extra)
        return render_live(rendering, given, *self.schemas(action))

    def final(self, action: Resource, execution: Execution) -> tuple[Values, Values]:
        """Return (runner's, action's own) parameters, complete. Raises ParamError, or what Jinja raises."""
        context = {**execution.context, "pack": action.pack}
        config = self._configs.get(action.pack, execution.user)
        rendering = Rendering(self._templates, context, config)
        return render_final(rendering, execution.parameters, *self.schemas(action))

    def schemas(self, action: Resource) -> tuple[Values, Values]:
        """Return the schemas of an action's own parameters, and of its runner's."""
        return action.data.get("parameters") or {}, self._registry.runner(action).parameters
