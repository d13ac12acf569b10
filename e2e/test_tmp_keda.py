from pathlib import Path
from .conftest import ROOT
from .waiting import wait_until
def test_keda(kube, namespace):
    crd = Path.home()/"go/pkg/mod/github.com/kedacore/keda/v2@v2.17.2/config/crd/bases/keda.sh_scaledobjects.yaml"
    kube.kubectl("apply","--server-side","-f",str(crd))
    kube.kubectl("wait","--for=condition=Established","crd/scaledobjects.keda.sh","--timeout=20s")
    done = kube.kubectl("apply","--server-side","--dry-run=server","--validate=strict","-n",namespace,"-f",str(ROOT/"examples/autoscaling/keda.yaml"),"-o","yaml")
    print(done.stdout, done.stderr)
    bad = kube.kubectl("apply","--server-side","--dry-run=server","--validate=strict","-n",namespace,"-f","-",stdin=(ROOT/"examples/autoscaling/keda.yaml").read_text().replace("pollingInterval","pollInterval"),check=False)
    print(bad.stderr); assert bad.returncode
