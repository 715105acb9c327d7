"""Recipes that are kept with the collection, taken along as a file, or brought from one."""

import streamlit as st

from core.improve import LOADER
from core.workbench import Repaired, documents
from pages.parts import formatting, problems, session, state


def keep(result: Repaired) -> None:
    """Store the recipe under a name, or save it as a file that ten lines of numpy apply."""
    st.markdown("##### Keep it", anchors=False)
    bench, opened = state.workbench(), state.as_encoded()
    usual = ", ".join(step.name for step in result.recipe.steps)[:60]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the recipe", usual, key=f"_name_{usual}", max_chars=60)
        if st.button("Keep with the collection", type="primary", icon=":material/bookmark_add:"):
            with problems.shown():
                bench.keep_recipe(opened, name, result.recipe)
                session.preset(state.RECIPE, name)
                st.rerun()
        st.download_button(
            "Save as a file", lambda: bench.recipe_bytes(opened, result.recipe),
            "recipe.safetensors", "application/octet-stream", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
    with st.expander("Use the file in another program"):
        st.caption(
            "The rows of a collection are repaired once, queries as they come; a hubness "
            "correction is in the file by its settings alone, as it is fitted on the rows."
        )
        st.code(LOADER, language="python")


def stored() -> None:
    """The recipes of this collection, and a place to bring one."""
    bench, opened = state.workbench(), state.as_encoded()
    names = bench.recipes(opened)
    with st.expander(f"Kept recipes ({len(names)})", expanded=bool(names)):
        for name in names:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(formatting.plain(name), width="stretch")
                st.download_button(
                    "File", lambda n=name: bench.recipe_file(opened, n), f"{name}.safetensors",
                    "application/octet-stream", key=f"_file_{name}", type="tertiary",
                    icon=":material/download:", on_click="ignore",
                )  # fmt: skip
                if st.button(
                    "Delete", key=f"_delete_{name}", type="tertiary", icon=":material/delete:"
                ):
                    bench.delete_recipe(opened, name)
                    st.rerun()
        if names:
            st.caption("The repaired vectors as a table:")
            words = "export", opened.name, "--to", "lance", "--recipe", names[0]
            st.code(documents.command(*words), language=None, wrap_lines=True)
        else:
            st.caption("None yet. Keep one above, or bring the file of one.")
        file = st.file_uploader("Recipe file", type="safetensors", key="_recipe_file")
        if file and st.button("Keep this recipe", icon=":material/bookmark_add:"):
            with problems.shown():
                bench.import_recipe(opened, file.name.removesuffix(".safetensors"), file.getvalue())
                st.rerun()
