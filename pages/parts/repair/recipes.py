"""Recipes that are kept with the collection, taken along as a file, or brought from one."""

import streamlit as st

from core.improve import LOADER, NO_ONNX, ONNX_LOADER, has_onnx
from core.workbench import Repaired, documents
from pages.parts import formatting, problems, session, state


def keep(result: Repaired) -> None:
    """Store the recipe under a name, or save it as a file that a few lines of numpy apply."""
    st.markdown("##### Keep", anchors=False)
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
        st.download_button(
            "Save as ONNX", lambda: bench.recipe_onnx(opened, result.recipe),
            "recipe.onnx", "application/octet-stream", icon=":material/download:",
            on_click="ignore", disabled=not has_onnx(),
        )  # fmt: skip
    if not has_onnx():
        st.caption(formatting.plain(NO_ONNX))
    with st.expander("Use the file in another program"):
        st.caption(
            "The rows of a collection are repaired once, queries as they come; a hubness "
            "correction is in the file by its settings alone, as it is fitted on the rows."
        )
        st.code(LOADER, language="python")
        st.caption("The same from the ONNX file:")
        st.code(ONNX_LOADER, language="python")


def stored() -> None:
    """The recipes of this collection, and a place to bring one."""
    bench, opened = state.workbench(), state.as_encoded()
    names, used = bench.recipes(opened), state.recipe()
    with st.expander(f"Kept recipes ({len(names)})", expanded=bool(names)):
        for name in names:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(formatting.plain(name), width="stretch")
                if st.button(
                    "In use" if name == used else "Use", key=f"_use_{name}", type="tertiary",
                    icon=":material/check:", disabled=name == used,
                    help="Search, Map and Geometry then show the repaired space",
                ):  # fmt: skip
                    session.preset(state.RECIPE, name)
                    st.rerun()
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
